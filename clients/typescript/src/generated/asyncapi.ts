// Made from docs/asyncapi.json by tools/generate.mjs: not to be edited.
/* eslint-disable */

export type Action = "created" | "updated";
/**
 * Why a connection is signed in no more.
 */
export type SignedOut = "token_expired" | "session_ended";
/**
 * Basis points: 10,000 = all of it.
 */
export type Bps = number;
/**
 * Money in lamports (1 SOL = 1e9), a decimal string.
 */
export type Lamports = string;
/**
 * A channel, as the server names it.
 */
export type Channel = string;
/**
 * A life of the journal.
 */
export type Epoch = number;
/**
 * A market's account address, base58.
 */
export type MarketAddress = string;
/**
 * The number of an entry in its market's journal.
 */
export type Seq = number;
/**
 * A client's name for what it wants: one intent lands once.
 */
export type ClientRef = string;
/**
 * A wallet's address, base58.
 */
export type Wallet = string;
/**
 * A transaction's signature, base58.
 */
export type TxSignature = string;
/**
 * A moment, RFC 3339 in UTC.
 */
export type Moment = string;
/**
 * A slot of the chain.
 */
export type Slot = number;
/**
 * What happened to a comment.
 */
export type DiscussionAction = "added" | "deleted";
/**
 * What was decided. `Invalid`: finalized without an outcome.
 */
export type FinalOutcome = "YES" | "NO" | "INVALID";
/**
 * Shares in base units (1 share = 1e9), a decimal string.
 */
export type ShareUnits = string;
/**
 * See the module.
 */
export type ManySnapshot =
  | {
      /**
       * As in REST.
       */
      trades: TradeView[];
    }
  | {
      /**
       * As in REST.
       */
      markets: MarketDetail[];
    }
  | {
      /**
       * The highest volume first.
       */
      prices: TickerView[];
    }
  | {
      /**
       * Transactions that are on their way, newest first.
       */
      orders: SubmissionView[];
      /**
       * In the order of markets' addresses; the first of them, REST has all.
       */
      positions: HoldingView[];
    };
/**
 * An outcome.
 */
export type Outcome = "YES" | "NO";
/**
 * A price with nine decimals.
 */
export type PriceE9 = string;
/**
 * How final it is on the chain.
 */
export type TradeStatus = "confirmed" | "finalized";
/**
 * Which way.
 */
export type TradeType = "buy" | "sell";
/**
 * The program's own id of a market, 64 hexadecimal digits.
 */
export type MarketSeed = string;
/**
 * A market's state.
 */
export type Phase = "PROPOSED" | "APPROVED" | "ACTIVE" | "RESOLVING" | "DISPUTED" | "FINALIZED" | "CANCELLED";
/**
 * A market's account address (base58) or its seed (64 hexadecimal digits).
 */
export type MarketId = string;
export type PriceCause = "trade" | "resync" | "rollback";
export type OutcomeArg = string | boolean;
/**
 * A sum of money in lamports, a decimal string.
 */
export type Sum = string;
/**
 * Money gained, or lost where it is negative, in lamports: a decimal string.
 */
export type Profit = string;
export type PriorityFee = string | number;
/**
 * Which way a trade goes.
 */
export type TradeSide = "buy" | "sell";
/**
 * A part of something, with four decimals.
 */
export type Ratio = string;
/**
 * The state of a channel at a place.
 */
export type Snapshot =
  | MarketView1
  | (ConfigView1 | null)
  | (
      | {
          /**
           * As in REST.
           */
          trades: TradeView[];
        }
      | {
          /**
           * As in REST.
           */
          markets: MarketDetail[];
        }
      | {
          /**
           * The highest volume first.
           */
          prices: TickerView[];
        }
      | {
          /**
           * Transactions that are on their way, newest first.
           */
          orders: SubmissionView[];
          /**
           * In the order of markets' addresses; the first of them, REST has all.
           */
          positions: HoldingView[];
        }
    );
export type VersionArg = string | number;
/**
 * What is voted on.
 */
export type VoteKind = "proposal" | "dispute";
/**
 * Where a vote was cast.
 */
export type VoteSourceView = "onchain" | "offchain";
/**
 * What a warning is about.
 */
export type WarningCode =
  | "STALE"
  | "BELOW_MINIMUM_B"
  | "LEAD_BEYOND_CURVE"
  | "PRICE_FALLS"
  | "PRICE_DIVERGENCE"
  | "UNSOUND_CURVE"
  | "NO_METADATA";
/**
 * Why an action was refused.
 */
export type WsErrorCode =
  | "BAD_MESSAGE"
  | "UNKNOWN_ACTION"
  | "VALIDATION_ERROR"
  | "NOT_FOUND"
  | "TOO_MANY_CHANNELS"
  | "TOO_MANY_QUOTES"
  | "UNAUTHORIZED"
  | "FORBIDDEN"
  | "CONFLICT"
  | "CHAIN_REFUSED"
  | "IDEMPOTENCY_MISMATCH"
  | "CANCELLED"
  | "RATE_LIMITED"
  | "TOO_MANY_REQUESTS"
  | "TIMEOUT"
  | "STALE"
  | "UNAVAILABLE"
  | "PAUSED"
  | "INTERNAL";

/**
 * Signs the connection in, or on: answered by `reply`. A connection is one wallet's.
 */
export interface AuthAction {
  action: "auth";
  /**
   * Any JSON of at most 256 bytes, numbers in it whole ones of 64 bits; echoed by the answer.
   */
  id?: {
    [k: string]: unknown;
  };
  /**
   * An access token of POST /api/auth/login or /refresh.
   */
  token: string;
}
/**
 * The connection is signed in no more: private channels have stopped.
 */
export interface AuthExpiredMessage {
  reason: SignedOut;
  type: "auth_expired";
}
/**
 * The opening of trade as an unsigned transaction (signed in), as POST /api/markets/{market}/activate.
 */
export interface BuildActivateAction {
  action: "build";
  client_ref?: string | null;
  /**
   * Any JSON of at most 256 bytes, numbers in it whole ones of 64 bits; echoed by the answer.
   */
  id?: {
    [k: string]: unknown;
  };
  market_id: string;
  op: "activate";
  /**
   * By default none.
   */
  priority_fee?: string | number;
  /**
   * By default 0.
   */
  version?: string | number;
}
/**
 * A buy as an unsigned transaction (signed in), as POST /api/trades/buy.
 */
export interface BuildBuyAction {
  /**
   * The price can't be trusted and is accepted all the same.
   */
  accept_unsound?: boolean;
  action: "build";
  client_ref?: string | null;
  /**
   * Any JSON of at most 256 bytes, numbers in it whole ones of 64 bits; echoed by the answer.
   */
  id?: {
    [k: string]: unknown;
  };
  /**
   * The market.
   */
  market_id: string;
  max_cost?: string | null;
  min_shares?: string | null;
  op: "buy";
  /**
   * What to buy.
   */
  outcome: string | boolean;
  /**
   * By default none.
   */
  priority_fee?: string | number;
  shares?: string | null;
  spend?: string | null;
  /**
   * By default 0.
   */
  version?: string | number;
}
/**
 * A claim of winnings as an unsigned transaction (signed in), as POST /api/markets/{market}/claim.
 */
export interface BuildClaimAction {
  action: "build";
  client_ref?: string | null;
  /**
   * Any JSON of at most 256 bytes, numbers in it whole ones of 64 bits; echoed by the answer.
   */
  id?: {
    [k: string]: unknown;
  };
  market_id: string;
  op: "claim";
  /**
   * By default none.
   */
  priority_fee?: string | number;
  /**
   * By default 0.
   */
  version?: string | number;
}
/**
 * A new market as an unsigned transaction (signed in), as POST /api/markets.
 */
export interface BuildCreateMarketAction {
  action: "build";
  /**
   * LMSR's b: at least 100 shares (100,000,000,000), below which the program can't trade.
   */
  b_parameter: string;
  /**
   * 1 to 50 characters.
   */
  category: string;
  client_ref?: string | null;
  /**
   * When trading is meant to end, RFC 3339.
   */
  closes_at?: string | null;
  /**
   * 0 to 2,000 characters.
   */
  description?: string;
  /**
   * Any JSON of at most 256 bytes, numbers in it whole ones of 64 bits; echoed by the answer.
   */
  id?: {
    [k: string]: unknown;
  };
  idempotency_key?: string | null;
  /**
   * Liquidity on paper, above 0; no lamports move.
   */
  initial_liquidity: string;
  op: "create_market";
  /**
   * By default none.
   */
  priority_fee?: string | number;
  /**
   * 10 to 200 characters.
   */
  question: string;
  /**
   * By what it will be resolved: 1 to 2,000 characters.
   */
  resolution_criteria?: string | null;
  /**
   * At most 10 different ones of 1 to 30 characters.
   */
  tags?: string[];
  /**
   * By default 0.
   */
  version?: string | number;
}
/**
 * A dispute as an unsigned transaction (signed in), as POST /api/markets/{market}/dispute.
 */
export interface BuildDisputeAction {
  action: "build";
  client_ref?: string | null;
  /**
   * Any JSON of at most 256 bytes, numbers in it whole ones of 64 bits; echoed by the answer.
   */
  id?: {
    [k: string]: unknown;
  };
  market_id: string;
  op: "dispute";
  /**
   * By default none.
   */
  priority_fee?: string | number;
  /**
   * By default 0.
   */
  version?: string | number;
}
/**
 * A proposed outcome as an unsigned transaction (signed in), as POST /api/markets/{market}/resolve.
 */
export interface BuildResolveAction {
  action: "build";
  client_ref?: string | null;
  /**
   * Why: 1 to 2,000 characters after trimming.
   */
  evidence: string;
  /**
   * Any JSON of at most 256 bytes, numbers in it whole ones of 64 bits; echoed by the answer.
   */
  id?: {
    [k: string]: unknown;
  };
  market_id: string;
  op: "resolve";
  /**
   * What has come true.
   */
  outcome: string | boolean;
  /**
   * By default none.
   */
  priority_fee?: string | number;
  /**
   * By default 0.
   */
  version?: string | number;
}
/**
 * A sell as an unsigned transaction (signed in), as POST /api/trades/sell.
 */
export interface BuildSellAction {
  /**
   * The price can't be trusted and is accepted all the same.
   */
  accept_unsound?: boolean;
  action: "build";
  client_ref?: string | null;
  /**
   * Any JSON of at most 256 bytes, numbers in it whole ones of 64 bits; echoed by the answer.
   */
  id?: {
    [k: string]: unknown;
  };
  /**
   * The market.
   */
  market_id: string;
  /**
   * The least to get, after fees: the program itself refuses less.
   */
  min_proceeds: string;
  op: "sell";
  /**
   * What to sell.
   */
  outcome: string | boolean;
  /**
   * By default none.
   */
  priority_fee?: string | number;
  /**
   * How many.
   */
  shares: string;
  /**
   * By default 0.
   */
  version?: string | number;
}
/**
 * A withdrawal of liquidity as an unsigned transaction (signed in), as POST /api/markets/{market}/withdraw.
 */
export interface BuildWithdrawAction {
  action: "build";
  client_ref?: string | null;
  /**
   * Any JSON of at most 256 bytes, numbers in it whole ones of 64 bits; echoed by the answer.
   */
  id?: {
    [k: string]: unknown;
  };
  market_id: string;
  op: "withdraw";
  /**
   * By default none.
   */
  priority_fee?: string | number;
  /**
   * By default 0.
   */
  version?: string | number;
}
/**
 * What is signed, and what it will do.
 */
export interface BuyReply {
  /**
   * Its name for `POST /api/transactions`: one intent lands once.
   */
  client_ref: string;
  /**
   * Compute units that it may use: a fifth more than its rehearsal did.
   */
  compute_units: number;
  /**
   * About when that is, RFC 3339.
   */
  expires_at: string;
  /**
   * `simulation`: `min_shares` was held against the rehearsal only, since the program knows no such bound; `null`:
   * none was given.
   */
  guard?: string | null;
  /**
   * The last block height at which it can land.
   */
  last_valid_block_height: number;
  /**
   * What is signed, base64.
   */
  message: string;
  /**
   * What it pays for each of them on top of the base fee, in micro-lamports.
   */
  priority_fee_micro_lamports: number;
  quote: QuoteView;
  rehearsed: Rehearsed;
  /**
   * The transaction with an empty place for the signature, base64.
   */
  transaction: string;
}
/**
 * What the trade does, by the market as this process knows it.
 */
export interface QuoteView {
  /**
   * By the program's curve, before fees.
   */
  cost: string;
  fair_cost?: string | null;
  fees: QuoteFees;
  /**
   * The market's account.
   */
  market_id: string;
  /**
   * What is traded.
   */
  outcome: "YES" | "NO";
  /**
   * The price of YES after it: what the trade's event will say.
   */
  price_after: string;
  price_before?: string | null;
  /**
   * By how much the price of the outcome traded moves, in basis points of what it was, rounded up.
   */
  price_impact_bps?: number | null;
  price_per_share?: string | null;
  /**
   * That entry.
   */
  seq: number;
  /**
   * What is really bought, or sold.
   */
  shares: string;
  /**
   * The place on the chain of the market's newest entry.
   */
  slot: number;
  /**
   * Money in lamports (1 SOL = 1e9), a decimal string.
   */
  target_cost: string;
  /**
   * Money in lamports (1 SOL = 1e9), a decimal string.
   */
  total: string;
  /**
   * Buy or sell.
   */
  trade_type: "buy" | "sell";
  /**
   * Reasons for which the program's curve can't be trusted here.
   */
  warnings: QuoteWarning[];
}
/**
 * The fees.
 */
export interface QuoteFees {
  lp: Lamports;
  protocol: Lamports;
  resolver: Lamports;
  total: Lamports;
}
/**
 * Why a trade should be looked at twice.
 */
export interface QuoteWarning {
  /**
   * For programs.
   */
  code: string;
  /**
   * For people.
   */
  message: string;
  price_fair?: string | null;
  price_program?: string | null;
}
/**
 * What it did in the rehearsal on the chain's newest state.
 */
export interface Rehearsed {
  /**
   * Shares bought or sold.
   */
  shares: string;
  /**
   * Money in lamports (1 SOL = 1e9), a decimal string.
   */
  total: string;
}
/**
 * A channel, and the newest of it that was sent on this connection.
 */
export interface ChannelHead {
  channel: Channel;
  epoch?: Epoch | null;
  market_id?: MarketAddress | null;
  seq?: Seq | null;
}
/**
 * Everything of a channel up to `seq` is final on the chain. No entry, so it has no number of its own.
 */
export interface CommitmentMessage {
  channel: Channel;
  epoch: Epoch;
  market_id?: MarketAddress | null;
  seq: Seq;
  type: "commitment";
}
/**
 * The config in force.
 */
export interface ConfigConfigUpdateFrame {
  channel: string;
  data: ConfigUpdate;
  epoch: Epoch;
  /**
   * What a user wrote: the request that wrote it, as its answer named it in `x-request-id`.
   */
  request_id?: string | null;
  seq: Seq;
  slot: Slot;
  timestamp: string;
  type: "config_update";
}
export interface ConfigUpdate {
  admin: Wallet;
  backend_authority: Wallet;
  fees: FeesView;
  is_paused: boolean;
  periods: PeriodsView;
  protocol_fee_wallet: Wallet;
  reason: string;
  thresholds: ThresholdsView;
  tx_signature?: TxSignature | null;
  updated_at: Moment;
}
/**
 * The three rates of a trade, in basis points.
 */
export interface FeesView {
  lp_bps: Bps;
  protocol_bps: Bps;
  resolver_bps: Bps;
}
/**
 * The program's periods, in seconds.
 */
export interface PeriodsView {
  dispute_period_seconds: number;
  min_resolution_delay_seconds: number;
}
/**
 * The shares of votes that decide, in basis points.
 */
export interface ThresholdsView {
  dispute_success_bps: Bps;
  proposal_approval_bps: Bps;
}
export interface ConfigRollback {
  config?: ConfigView | null;
  reverted_seqs: Seq[];
}
/**
 * The config object.
 */
export interface ConfigView {
  admin: Wallet;
  backend_authority: Wallet;
  fees: FeesView;
  is_paused: boolean;
  periods: PeriodsView;
  protocol_fee_wallet: Wallet;
  thresholds: ThresholdsView;
  updated_at: Moment;
}
/**
 * Entries that are not what the chain holds, and the config that holds now.
 */
export interface ConfigRollbackFrame {
  channel: string;
  data: ConfigRollback;
  epoch: Epoch;
  /**
   * What a user wrote: the request that wrote it, as its answer named it in `x-request-id`.
   */
  request_id?: string | null;
  seq: Seq;
  slot: Slot;
  timestamp: string;
  type: "rollback";
}
/**
 * A transaction that proposes a market.
 */
export interface CreateReply {
  /**
   * Its name for `POST /api/transactions`: one intent lands once.
   */
  client_ref: string;
  /**
   * Compute units that it may use: a fifth more than its rehearsal did.
   */
  compute_units: number;
  /**
   * About when that is, RFC 3339.
   */
  expires_at: string;
  /**
   * The CIDv0 of the metadata's document.
   */
  ipfs_question_hash: string;
  /**
   * The last block height at which it can land.
   */
  last_valid_block_height: number;
  /**
   * A market's account address, base58.
   */
  market: string;
  /**
   * What it is made from.
   */
  market_seed: string;
  /**
   * What is signed, base64.
   */
  message: string;
  /**
   * What it pays for each of them on top of the base fee, in micro-lamports.
   */
  priority_fee_micro_lamports: number;
  /**
   * The transaction with an empty place for the signature, base64.
   */
  transaction: string;
}
/**
 * The data of a `discussion` frame.
 */
export interface DiscussionFrame {
  /**
   * What happened.
   */
  action: "added" | "deleted";
  /**
   * What was said; left out when it is deleted.
   */
  content?: string | null;
  /**
   * When it was written; left out when it is deleted.
   */
  created_at?: string | null;
  /**
   * The comment.
   */
  id: string;
  /**
   * A wallet's address, base58.
   */
  user_wallet: string;
}
/**
 * A refusal of one message; the connection goes on. See `x-errors`.
 */
export interface ErrorMessage {
  /**
   * The channel that it is about, as the client wrote it.
   */
  channel?: string | null;
  /**
   * Why, for programs.
   */
  code:
    | "BAD_MESSAGE"
    | "UNKNOWN_ACTION"
    | "VALIDATION_ERROR"
    | "NOT_FOUND"
    | "TOO_MANY_CHANNELS"
    | "TOO_MANY_QUOTES"
    | "UNAUTHORIZED"
    | "FORBIDDEN"
    | "CONFLICT"
    | "CHAIN_REFUSED"
    | "IDEMPOTENCY_MISMATCH"
    | "CANCELLED"
    | "RATE_LIMITED"
    | "TOO_MANY_REQUESTS"
    | "TIMEOUT"
    | "STALE"
    | "UNAVAILABLE"
    | "PAUSED"
    | "INTERNAL";
  /**
   * The fields that were refused, and why.
   */
  details?: FieldError[];
  epoch?: Epoch;
  /**
   * Of the action that is refused.
   */
  id?: {
    [k: string]: unknown;
  };
  market_id?: MarketAddress;
  /**
   * Why, for people.
   */
  message: string;
  program_error?: ProgramRefusal | null;
  /**
   * When to try again.
   */
  retry_after_seconds?: number | null;
  /**
   * The same action may succeed a little later.
   */
  retryable: boolean;
  seq?: Seq;
  /**
   * The transaction that is in the way.
   */
  signature?: string | null;
  slot?: Slot;
  /**
   * The quote stream that it is said in, which goes on.
   */
  stream?: {
    [k: string]: unknown;
  };
  type: "error";
}
/**
 * A field that was refused, and why.
 */
export interface FieldError {
  /**
   * The field's name in the request.
   */
  field: string;
  /**
   * For people.
   */
  message: string;
}
/**
 * The program's own error.
 */
export interface ProgramRefusal {
  /**
   * The number of a program's own error, where it has one: 6000 and more are the zmart program's.
   */
  code?: number | null;
  /**
   * Its name.
   */
  name: string;
}
/**
 * Fees, by receiver.
 */
export interface Fees {
  lp: Lamports;
  protocol: Lamports;
  resolver: Lamports;
  total: Lamports;
}
/**
 * What is in force on the chain, as GET /api/config.
 */
export interface GetConfigAction {
  action: "get";
  /**
   * Any JSON of at most 256 bytes, numbers in it whole ones of 64 bits; echoed by the answer.
   */
  id?: {
    [k: string]: unknown;
  };
  what: "config";
}
/**
 * A market, as GET /api/markets/{market}.
 */
export interface GetMarketAction {
  action: "get";
  /**
   * Any JSON of at most 256 bytes, numbers in it whole ones of 64 bits; echoed by the answer.
   */
  id?: {
    [k: string]: unknown;
  };
  market_id: string;
  what: "market";
}
/**
 * A page of markets, as GET /api/markets.
 */
export interface GetMarketsAction {
  action: "get";
  category?: string | null;
  creator?: Wallet | null;
  cursor?: string | null;
  ending_before?: string | null;
  /**
   * Any JSON of at most 256 bytes, numbers in it whole ones of 64 bits; echoed by the answer.
   */
  id?: {
    [k: string]: unknown;
  };
  limit?: number | null;
  offset?: number | null;
  order?: string | null;
  search?: string | null;
  sort?: string | null;
  state?: string | null;
  what: "markets";
}
/**
 * A wallet's portfolio, or one's own, as GET /api/users/{wallet}/portfolio.
 */
export interface GetPortfolioAction {
  action: "get";
  /**
   * Any JSON of at most 256 bytes, numbers in it whole ones of 64 bits; echoed by the answer.
   */
  id?: {
    [k: string]: unknown;
  };
  points?: number | null;
  wallet?: Wallet | null;
  what: "portfolio";
  window?: string | null;
}
/**
 * A wallet's positions, or one's own, as GET /api/users/{wallet}/positions.
 */
export interface GetPositionsAction {
  action: "get";
  cursor?: string | null;
  /**
   * Any JSON of at most 256 bytes, numbers in it whole ones of 64 bits; echoed by the answer.
   */
  id?: {
    [k: string]: unknown;
  };
  limit?: number | null;
  offset?: number | null;
  wallet?: Wallet | null;
  what: "positions";
}
/**
 * One's own trades (signed in), as GET /api/trades/history.
 */
export interface GetTradesAction {
  action: "get";
  cursor?: string | null;
  /**
   * Any JSON of at most 256 bytes, numbers in it whole ones of 64 bits; echoed by the answer.
   */
  id?: {
    [k: string]: unknown;
  };
  limit?: number | null;
  offset?: number | null;
  what: "trades";
}
/**
 * One's own transaction (signed in), as GET /api/transactions/{signature}.
 */
export interface GetTransactionAction {
  action: "get";
  /**
   * Any JSON of at most 256 bytes, numbers in it whole ones of 64 bits; echoed by the answer.
   */
  id?: {
    [k: string]: unknown;
  };
  signature: TxSignature;
  what: "transaction";
}
/**
 * Both tallies of a market, as GET /api/votes/{market}.
 */
export interface GetVotesAction {
  action: "get";
  /**
   * Any JSON of at most 256 bytes, numbers in it whole ones of 64 bits; echoed by the answer.
   */
  id?: {
    [k: string]: unknown;
  };
  market_id: string;
  what: "votes";
}
/**
 * A sign of life: how far the chain is covered, and the newest `seq` of each channel that was sent on this connection.
 */
export interface HeartbeatMessage {
  channels: {
    [k: string]: Position;
  };
  counter: number;
  slot: Slot;
  timestamp: string;
  type: "heartbeat";
}
/**
 * A place in a channel.
 */
export interface Position {
  epoch: Epoch;
  seq: Seq;
}
/**
 * What a wallet holds in a market, without what is computed from prices.
 */
export interface HoldingView {
  claimed_amount: Lamports;
  has_claimed: boolean;
  market_id: MarketAddress;
  shares_no: ShareUnits;
  shares_yes: ShareUnits;
  total_invested: Lamports;
  trades_count: number;
}
/**
 * The bounds of a connection, as it is told them.
 */
export interface Limits {
  /**
   * Actions that may wait for their answers at once.
   */
  actions_in_flight: number;
  channels: number;
  message_burst: number;
  message_bytes: number;
  messages_per_second: number;
  outbox_bytes: number;
  outbox_frames: number;
  quote_streams: number;
  resume_entries: number;
}
/**
 * Which channels am I subscribed to? Answered by `reply`.
 */
export interface ListAction {
  action: "list";
  /**
   * Any JSON of at most 256 bytes, numbers in it whole ones of 64 bits; echoed by the answer.
   */
  id?: {
    [k: string]: unknown;
  };
}
/**
 * The trade object.
 */
export interface TradeView {
  block_time: Moment;
  /**
   * True: an adopted state contained it already, so no quantity moved when it was recorded.
   */
  contained?: boolean;
  /**
   * Money in lamports (1 SOL = 1e9), a decimal string.
   */
  cost: string;
  created_at: string;
  fees?: Fees1 | null;
  id: string;
  market_id: MarketAddress;
  outcome: Outcome;
  price_after: PriceE9;
  seq: Seq;
  shares: ShareUnits;
  slot: Slot;
  status: TradeStatus;
  trade_type: TradeType;
  tx_signature: TxSignature;
  user_wallet: Wallet;
}
/**
 * `None` where they can't be told.
 */
export interface Fees1 {
  lp: Lamports;
  protocol: Lamports;
  resolver: Lamports;
  total: Lamports;
}
/**
 * The market object of REST: what is true now.
 */
export interface MarketDetail {
  activated_at?: Moment | null;
  approved_at?: Moment | null;
  b_parameter: ShareUnits;
  cancelled_at?: Moment | null;
  category?: string | null;
  closes_at?: Moment | null;
  created_at: Moment;
  creator_wallet: Wallet;
  current_liquidity: Lamports;
  current_price_no?: PriceE9 | null;
  current_price_yes?: PriceE9 | null;
  description?: string | null;
  dispute_agree: number;
  dispute_deadline?: string | null;
  dispute_disagree: number;
  fair_price_yes?: string | null;
  final_outcome?: FinalOutcome | null;
  finalized_at?: Moment | null;
  id: MarketAddress;
  initial_liquidity: Lamports;
  ipfs_evidence_hash?: string | null;
  ipfs_question_hash?: string | null;
  market_seed: MarketSeed;
  on_chain_address: MarketAddress;
  proposal_dislikes: number;
  proposal_likes: number;
  proposed_outcome?: Outcome | null;
  question?: string | null;
  resolution_criteria?: string | null;
  resolution_proposed_at?: Moment | null;
  resolved_at?: Moment | null;
  resolver_wallet?: Wallet | null;
  seq: Seq;
  shares_no: ShareUnits;
  shares_yes: ShareUnits;
  slot: Slot;
  state: Phase;
  state_code: number;
  tags?: string[];
  total_volume: Lamports;
  traders_count?: number | null;
  trades_count: number;
  /**
   * Its creation was rolled back; left out of every other market.
   */
  vanished?: boolean;
  volume_24h?: Lamports | null;
  warnings: Warning[];
  was_disputed: boolean;
}
/**
 * Something that a reader of a market should know before he trusts its figures.
 */
export interface Warning {
  /**
   * For programs.
   */
  code:
    | "STALE"
    | "BELOW_MINIMUM_B"
    | "LEAD_BEYOND_CURVE"
    | "PRICE_FALLS"
    | "PRICE_DIVERGENCE"
    | "UNSOUND_CURVE"
    | "NO_METADATA";
  /**
   * For people.
   */
  message: string;
}
/**
 * A market's price now.
 */
export interface TickerView {
  market_id: MarketAddress;
  market_seq: Seq;
  price_no: PriceE9;
  price_yes: PriceE9;
  shares_no: ShareUnits;
  shares_yes: ShareUnits;
}
/**
 * A transaction, as its owner sees it: by REST and on the wallet's own channel.
 */
export interface SubmissionView {
  /**
   * The client's name for it.
   */
  client_ref?: string | null;
  /**
   * Past this block height it can't land any more.
   */
  last_valid_block_height: number;
  /**
   * A market's account address, base58.
   */
  market_id: string;
  /**
   * The program's instruction.
   */
  purpose: string;
  reason?: OrderFailure | null;
  /**
   * When it was handed in.
   */
  received_at: string;
  /**
   * The request that handed it in, as its answer named it in `x-request-id`.
   */
  request_id?: string | null;
  /**
   * Nothing changes that any more.
   */
  settled: boolean;
  /**
   * A transaction's signature, base58.
   */
  signature: string;
  slot?: number | null;
  /**
   * received, processed, confirmed, finalized, failed or expired.
   */
  status: string;
  /**
   * When its status last changed.
   */
  updated_at: string;
}
/**
 * Why it failed.
 */
export interface OrderFailure {
  /**
   * The number of a program's own error, where it has one: 6000 and more are the zmart program's.
   */
  code?: number | null;
  /**
   * Its name.
   */
  name: string;
}
/**
 * A comment that was written or deleted.
 */
export interface MarketDiscussionFrame {
  channel: string;
  data: DiscussionFrame;
  epoch: Epoch;
  market_id: MarketAddress;
  /**
   * What a user wrote: the request that wrote it, as its answer named it in `x-request-id`.
   */
  request_id?: string | null;
  seq: Seq;
  slot: Slot;
  timestamp: string;
  type: "discussion";
}
/**
 * A step of the market's life, an adopted state, or what the market is about.
 */
export interface MarketMarketUpdateFrame {
  channel: string;
  data: MarketUpdate;
  epoch: Epoch;
  market_id: MarketAddress;
  /**
   * What a user wrote: the request that wrote it, as its answer named it in `x-request-id`.
   */
  request_id?: string | null;
  seq: Seq;
  slot: Slot;
  timestamp: string;
  type: "market_update";
}
export interface MarketUpdate {
  action: Action;
  contained?: boolean;
  market?: MarketView | null;
  new_state?: Phase | null;
  old_state?: Phase | null;
  reason: string;
  tx_signature?: TxSignature | null;
}
/**
 * The market object as an entry tells it: inside `market_update` frames, and as the snapshot of a subscription.
 */
export interface MarketView {
  activated_at?: Moment | null;
  approved_at?: Moment | null;
  b_parameter: ShareUnits;
  cancelled_at?: Moment | null;
  category?: string | null;
  closes_at?: Moment | null;
  created_at: Moment;
  creator_wallet: Wallet;
  current_liquidity: Lamports;
  current_price_no?: PriceE9 | null;
  current_price_yes?: PriceE9 | null;
  description?: string | null;
  dispute_agree: number;
  dispute_disagree: number;
  final_outcome?: FinalOutcome | null;
  finalized_at?: Moment | null;
  id: MarketAddress;
  initial_liquidity: Lamports;
  ipfs_evidence_hash?: string | null;
  ipfs_question_hash?: string | null;
  market_seed: MarketSeed;
  on_chain_address: MarketAddress;
  proposal_dislikes: number;
  proposal_likes: number;
  proposed_outcome?: Outcome | null;
  question?: string | null;
  resolution_criteria?: string | null;
  resolution_proposed_at?: Moment | null;
  resolved_at?: Moment | null;
  resolver_wallet?: Wallet | null;
  seq: Seq;
  shares_no: ShareUnits;
  shares_yes: ShareUnits;
  slot: Slot;
  state: Phase;
  state_code: number;
  tags?: string[];
  total_volume: Lamports;
  trades_count: number;
  /**
   * Its creation was rolled back; left out of every other market.
   */
  vanished?: boolean;
  was_disputed: boolean;
}
/**
 * A page of markets.
 */
export interface MarketPage {
  /**
   * Rows in this answer.
   */
  count: number;
  limit: number;
  markets: MarketDetail[];
  /**
   * Where the next page begins; null on the last one.
   */
  next_cursor?: string | null;
  offset: number;
}
/**
 * The price after a trade, a resync or a roll-back, or after several.
 */
export interface MarketPriceUpdateFrame {
  channel: string;
  data: SomePrice;
  epoch: Epoch;
  /**
   * The number of an entry in its market's journal.
   */
  from_seq?: number;
  market_id: MarketAddress;
  /**
   * What a user wrote: the request that wrote it, as its answer named it in `x-request-id`.
   */
  request_id?: string | null;
  seq: Seq;
  slot: Slot;
  timestamp: string;
  type: "price_update";
}
/**
 * The data of a price as `view::pack` may rewrite it. Never written itself.
 */
export interface SomePrice {
  cause: PriceCause;
  /**
   * It stands for so many prices, of the entries from `from_seq` on.
   */
  conflated?: number | null;
  previous_price_yes?: PriceE9 | null;
  price_no: PriceE9;
  price_yes: PriceE9;
  shares_no: ShareUnits;
  shares_yes: ShareUnits;
}
export interface MarketRollback {
  market: MarketView;
  new_state?: Phase | null;
  old_state?: Phase | null;
  reverted_seqs: Seq[];
  tallies?: TalliesView | null;
}
/**
 * Both tallies of a market.
 */
export interface TalliesView {
  dispute: TallyView;
  proposal: TallyView1;
}
/**
 * On its dispute.
 */
export interface TallyView {
  approval_bps?: number | null;
  /**
   * Against it.
   */
  dislikes: number;
  /**
   * In favour: of approving the proposal; of a dispute that the proposed outcome is wrong.
   */
  likes: number;
  /**
   * Both.
   */
  total: number;
}
/**
 * On its proposal.
 */
export interface TallyView1 {
  approval_bps?: number | null;
  /**
   * Against it.
   */
  dislikes: number;
  /**
   * In favour: of approving the proposal; of a dispute that the proposed outcome is wrong.
   */
  likes: number;
  /**
   * Both.
   */
  total: number;
}
/**
 * Entries that are not what the chain holds, and the state that holds now.
 */
export interface MarketRollbackFrame {
  channel: string;
  data: MarketRollback;
  epoch: Epoch;
  market_id: MarketAddress;
  /**
   * What a user wrote: the request that wrote it, as its answer named it in `x-request-id`.
   */
  request_id?: string | null;
  seq: Seq;
  slot: Slot;
  timestamp: string;
  type: "rollback";
}
/**
 * A trade.
 */
export interface MarketTradeExecutedFrame {
  channel: string;
  data: TradeView;
  epoch: Epoch;
  market_id: MarketAddress;
  /**
   * What a user wrote: the request that wrote it, as its answer named it in `x-request-id`.
   */
  request_id?: string | null;
  seq: Seq;
  slot: Slot;
  timestamp: string;
  type: "trade_executed";
}
/**
 * A vote, and what is counted after it.
 */
export interface MarketVoteUpdateFrame {
  channel: string;
  data: VoteView;
  epoch: Epoch;
  market_id: MarketAddress;
  /**
   * What a user wrote: the request that wrote it, as its answer named it in `x-request-id`.
   */
  request_id?: string | null;
  seq: Seq;
  slot: Slot;
  timestamp: string;
  type: "vote_update";
}
/**
 * A vote.
 */
export interface VoteView {
  /**
   * An adopted state contained it already.
   */
  contained?: boolean;
  signature?: string | null;
  /**
   * Where it was cast.
   */
  source: "onchain" | "offchain";
  tally?: TallyView2 | null;
  tx_signature?: string | null;
  /**
   * A wallet's address, base58.
   */
  user_wallet: string;
  /**
   * Which way.
   */
  vote: boolean;
  /**
   * `proposal` or `dispute`.
   */
  vote_type: string;
  /**
   * When, by the chain's clock or by the engine's.
   */
  voted_at: string;
}
/**
 * What is counted after it.
 */
export interface TallyView2 {
  approval_bps?: number | null;
  /**
   * Against it.
   */
  dislikes: number;
  /**
   * In favour: of approving the proposal; of a dispute that the proposed outcome is wrong.
   */
  likes: number;
  /**
   * Both.
   */
  total: number;
}
/**
 * What is counted in a market.
 */
export interface MarketVotes {
  dispute: MeasuredTally;
  /**
   * A market's account address, base58.
   */
  market_id: string;
  own?: Own | null;
  proposal: MeasuredTally1;
  seq: Seq;
  slot: Slot;
}
/**
 * On its dispute.
 */
export interface MeasuredTally {
  approval_bps?: number | null;
  /**
   * Against it.
   */
  dislikes: number;
  /**
   * In favour: of approving the proposal; of a dispute that the proposed outcome is wrong.
   */
  likes: number;
  /**
   * So many votes are needed.
   */
  min_votes: number;
  threshold_bps?: number | null;
  /**
   * Both.
   */
  total: number;
}
/**
 * The caller's own votes; only for signed-in callers.
 */
export interface Own {
  dispute?: OwnVote | null;
  proposal?: OwnVote1 | null;
}
/**
 * On the dispute.
 */
export interface OwnVote {
  /**
   * Where it was cast; one on the chain wins.
   */
  source: "onchain" | "offchain";
  /**
   * Which way.
   */
  vote: boolean;
}
/**
 * On the proposal.
 */
export interface OwnVote1 {
  /**
   * Where it was cast; one on the chain wins.
   */
  source: "onchain" | "offchain";
  /**
   * Which way.
   */
  vote: boolean;
}
/**
 * On its proposal.
 */
export interface MeasuredTally1 {
  approval_bps?: number | null;
  /**
   * Against it.
   */
  dislikes: number;
  /**
   * In favour: of approving the proposal; of a dispute that the proposed outcome is wrong.
   */
  likes: number;
  /**
   * So many votes are needed.
   */
  min_votes: number;
  threshold_bps?: number | null;
  /**
   * Both.
   */
  total: number;
}
/**
 * A step of a market's life, an adopted state, or what a market is about.
 */
export interface MarketsMarketUpdateFrame {
  channel: string;
  data: MarketUpdate;
  epoch: Epoch;
  market_id: MarketAddress;
  market_seq: Seq;
  /**
   * What a user wrote: the request that wrote it, as its answer named it in `x-request-id`.
   */
  request_id?: string | null;
  seq: Seq;
  slot: Slot;
  timestamp: string;
  type: "market_update";
}
/**
 * Entries of a market that are not what the chain holds, and the state that holds now.
 */
export interface MarketsRollbackFrame {
  channel: string;
  data: MarketRollback;
  epoch: Epoch;
  market_id: MarketAddress;
  market_seq: Seq;
  /**
   * What a user wrote: the request that wrote it, as its answer named it in `x-request-id`.
   */
  request_id?: string | null;
  seq: Seq;
  slot: Slot;
  timestamp: string;
  type: "rollback";
}
/**
 * A vote, and what is counted after it.
 */
export interface MarketsVoteUpdateFrame {
  channel: string;
  data: VoteView;
  epoch: Epoch;
  market_id: MarketAddress;
  market_seq: Seq;
  /**
   * What a user wrote: the request that wrote it, as its answer named it in `x-request-id`.
   */
  request_id?: string | null;
  seq: Seq;
  slot: Slot;
  timestamp: string;
  type: "vote_update";
}
/**
 * A tally, and what it takes.
 */
export interface MeasuredTally2 {
  approval_bps?: number | null;
  /**
   * Against it.
   */
  dislikes: number;
  /**
   * In favour: of approving the proposal; of a dispute that the proposed outcome is wrong.
   */
  likes: number;
  /**
   * So many votes are needed.
   */
  min_votes: number;
  threshold_bps?: number | null;
  /**
   * Both.
   */
  total: number;
}
/**
 * Why a transaction failed.
 */
export interface OrderFailure1 {
  /**
   * The number of a program's own error, where it has one: 6000 and more are the zmart program's.
   */
  code?: number | null;
  /**
   * Its name.
   */
  name: string;
}
/**
 * The caller's own votes; `null` where there is none.
 */
export interface Own1 {
  dispute?: OwnVote | null;
  proposal?: OwnVote1 | null;
}
/**
 * A trade, as its own wallet sees it.
 */
export interface OwnTradeView {
  block_time: Moment;
  /**
   * What the wallet named the intent when it built or sent the transaction here; `null` for any other trade.
   */
  client_ref?: string | null;
  /**
   * True: an adopted state contained it already, so no quantity moved when it was recorded.
   */
  contained?: boolean;
  /**
   * Money in lamports (1 SOL = 1e9), a decimal string.
   */
  cost: string;
  created_at: string;
  fees?: Fees2 | null;
  id: string;
  market_id: MarketAddress;
  outcome: Outcome;
  price_after: PriceE9;
  seq: Seq;
  shares: ShareUnits;
  slot: Slot;
  status: TradeStatus;
  trade_type: TradeType;
  tx_signature: TxSignature;
  user_wallet: Wallet;
}
/**
 * `None` where they can't be told.
 */
export interface Fees2 {
  lp: Lamports;
  protocol: Lamports;
  resolver: Lamports;
  total: Lamports;
}
/**
 * The vote of the caller that counts.
 */
export interface OwnVote2 {
  /**
   * Where it was cast; one on the chain wins.
   */
  source: "onchain" | "offchain";
  /**
   * Which way.
   */
  vote: boolean;
}
/**
 * Are you there? Answered by `pong`; so is the bare text `ping`.
 */
export interface PingAction {
  action: "ping";
  /**
   * Any JSON of at most 256 bytes, numbers in it whole ones of 64 bits; echoed by the answer.
   */
  id?: {
    [k: string]: unknown;
  };
}
/**
 * I am here. Not answered.
 */
export interface PongAction {
  action: "pong";
  /**
   * Any JSON of at most 256 bytes, numbers in it whole ones of 64 bits; echoed by the answer.
   */
  id?: {
    [k: string]: unknown;
  };
}
/**
 * The answer to `ping`.
 */
export interface PongMessage {
  id?: unknown;
  server_time: string;
  type: "pong";
}
/**
 * A wallet's portfolio over time.
 */
export interface Portfolio {
  points: PortfolioPoint[];
  /**
   * Positions that were counted: at most the 50 that were traded last.
   */
  positions: number;
  /**
   * There are more positions than were counted, or one with more hours than are looked at.
   */
  truncated: boolean;
  wallet: Wallet;
  window: string;
}
/**
 * A portfolio at the end of an hour.
 */
export interface PortfolioPoint {
  /**
   * What it had cost.
   */
  cost: string;
  /**
   * Up to then.
   */
  realized_pnl: string;
  /**
   * A moment, RFC 3339 in UTC.
   */
  timestamp: string;
  value: Sum;
}
/**
 * A page of positions: by REST a bare array, whose next page is named by a header.
 */
export interface PositionPage {
  /**
   * Where the next page begins; null on the last one.
   */
  next_cursor?: string | null;
  positions: PositionView[];
}
/**
 * A position, as its owner's page shows it.
 */
export interface PositionView {
  /**
   * The program would pay a claim now.
   */
  claimable: boolean;
  current_value?: string | null;
  has_claimed: boolean;
  market_id: MarketAddress;
  /**
   * `null`: the market's metadata is not known.
   */
  question?: string | null;
  realized_pnl: Profit;
  roi?: string | null;
  shares_no: ShareUnits;
  shares_yes: ShareUnits;
  state: Phase;
  state_code: number;
  total_invested: Lamports;
  unrealized_pnl?: string | null;
}
/**
 * The price of a market.
 */
export interface PriceNow {
  price_no: PriceE9;
  price_yes: PriceE9;
  shares_no: ShareUnits;
  shares_yes: ShareUnits;
}
export interface PriceUpdate {
  cause: PriceCause;
  previous_price_yes?: PriceE9 | null;
  price_no: PriceE9;
  price_yes: PriceE9;
  shares_no: ShareUnits;
  shares_yes: ShareUnits;
}
/**
 * Why the chain would refuse, or has refused, a transaction.
 */
export interface ProgramRefusal1 {
  /**
   * The number of a program's own error, where it has one: 6000 and more are the zmart program's.
   */
  code?: number | null;
  /**
   * Its name.
   */
  name: string;
}
/**
 * The program and what is in force; `null` before its config exists.
 */
export interface ProgramView {
  admin?: Wallet;
  backend_authority?: Wallet;
  /**
   * `mainnet-beta`, `testnet`, `devnet`, or `localnet`: any other.
   */
  cluster: string;
  fees?: FeesView;
  genesis_hash: string;
  is_paused?: boolean;
  periods?: PeriodsView;
  program_id: string;
  protocol_fee_wallet?: Wallet;
  seq: Seq;
  slot: Slot;
  thresholds?: ThresholdsView;
  updated_at?: Moment;
}
/**
 * What a trade would do now; answered by `quote`. For `shares`, or what `spend` buys.
 */
export interface QuoteAction {
  action: "quote";
  /**
   * Any JSON of at most 256 bytes, numbers in it whole ones of 64 bits; echoed by the answer.
   */
  id?: {
    [k: string]: unknown;
  };
  market_id: string;
  /**
   * YES or NO.
   */
  outcome: string;
  /**
   * Base units, a decimal string.
   */
  shares?: string | null;
  /**
   * Lamports, a decimal string; of buys only.
   */
  spend?: string | null;
  /**
   * Again whenever it is another one; the stream is named by the id.
   */
  stream?: boolean | null;
  trade_type: TradeSide;
}
/**
 * The three fees of a trade.
 */
export interface QuoteFees1 {
  lp: Lamports;
  protocol: Lamports;
  resolver: Lamports;
  total: Lamports;
}
/**
 * The answer to `quote`, and the next ones of its stream: what the trade would do after entry `seq`.
 */
export interface QuoteMessage {
  data: QuoteView1;
  epoch: Epoch;
  /**
   * Of the action that is answered; only on its answer.
   */
  id?: {
    [k: string]: unknown;
  };
  market_id: MarketAddress;
  seq: Seq;
  slot: Slot;
  /**
   * The stream: the id of the action that began it.
   */
  stream?: {
    [k: string]: unknown;
  };
  type: "quote";
}
/**
 * A quote.
 */
export interface QuoteView1 {
  /**
   * By the program's curve, before fees.
   */
  cost: string;
  fair_cost?: string | null;
  fees: QuoteFees;
  /**
   * The market's account.
   */
  market_id: string;
  /**
   * What is traded.
   */
  outcome: "YES" | "NO";
  /**
   * The price of YES after it: what the trade's event will say.
   */
  price_after: string;
  price_before?: string | null;
  /**
   * By how much the price of the outcome traded moves, in basis points of what it was, rounded up.
   */
  price_impact_bps?: number | null;
  price_per_share?: string | null;
  /**
   * That entry.
   */
  seq: number;
  /**
   * What is really bought, or sold.
   */
  shares: string;
  /**
   * The place on the chain of the market's newest entry.
   */
  slot: number;
  /**
   * Money in lamports (1 SOL = 1e9), a decimal string.
   */
  target_cost: string;
  /**
   * Money in lamports (1 SOL = 1e9), a decimal string.
   */
  total: string;
  /**
   * Buy or sell.
   */
  trade_type: "buy" | "sell";
  /**
   * Reasons for which the program's curve can't be trusted here.
   */
  warnings: QuoteWarning[];
}
/**
 * A trade in its rehearsal.
 */
export interface Rehearsed1 {
  /**
   * Shares bought or sold.
   */
  shares: string;
  /**
   * Money in lamports (1 SOL = 1e9), a decimal string.
   */
  total: string;
}
/**
 * The answer to `auth`: whose the connection is now.
 */
export interface ReplyAuthMessage {
  action: "auth";
  data: SignedInView;
  id?: unknown;
  type: "reply";
}
/**
 * What a connection is told of its sign-in.
 */
export interface SignedInView {
  /**
   * When the token runs out, RFC 3339.
   */
  expires_at: string;
  /**
   * A wallet's address, base58.
   */
  wallet: string;
}
/**
 * The answer to `build`: an unsigned transaction, and what it does.
 */
export interface ReplyBuildMessage {
  action: "build";
  data: BuyReply | SellReply | CreateReply | ResolveReply | StepReply;
  id?: unknown;
  type: "reply";
}
/**
 * What is signed, and what it will do.
 */
export interface SellReply {
  /**
   * Its name for `POST /api/transactions`: one intent lands once.
   */
  client_ref: string;
  /**
   * Compute units that it may use: a fifth more than its rehearsal did.
   */
  compute_units: number;
  /**
   * About when that is, RFC 3339.
   */
  expires_at: string;
  /**
   * `program`: the program itself holds `min_proceeds`.
   */
  guard: string;
  /**
   * The last block height at which it can land.
   */
  last_valid_block_height: number;
  /**
   * What is signed, base64.
   */
  message: string;
  /**
   * What it pays for each of them on top of the base fee, in micro-lamports.
   */
  priority_fee_micro_lamports: number;
  quote: QuoteView2;
  rehearsed?: Rehearsed2 | null;
  /**
   * The transaction with an empty place for the signature, base64.
   */
  transaction: string;
}
/**
 * A quote.
 */
export interface QuoteView2 {
  /**
   * By the program's curve, before fees.
   */
  cost: string;
  fair_cost?: string | null;
  fees: QuoteFees;
  /**
   * The market's account.
   */
  market_id: string;
  /**
   * What is traded.
   */
  outcome: "YES" | "NO";
  /**
   * The price of YES after it: what the trade's event will say.
   */
  price_after: string;
  price_before?: string | null;
  /**
   * By how much the price of the outcome traded moves, in basis points of what it was, rounded up.
   */
  price_impact_bps?: number | null;
  price_per_share?: string | null;
  /**
   * That entry.
   */
  seq: number;
  /**
   * What is really bought, or sold.
   */
  shares: string;
  /**
   * The place on the chain of the market's newest entry.
   */
  slot: number;
  /**
   * Money in lamports (1 SOL = 1e9), a decimal string.
   */
  target_cost: string;
  /**
   * Money in lamports (1 SOL = 1e9), a decimal string.
   */
  total: string;
  /**
   * Buy or sell.
   */
  trade_type: "buy" | "sell";
  /**
   * Reasons for which the program's curve can't be trusted here.
   */
  warnings: QuoteWarning[];
}
/**
 * What it did in the rehearsal on the chain's newest state; `null` where the node does not tell.
 */
export interface Rehearsed2 {
  /**
   * Shares bought or sold.
   */
  shares: string;
  /**
   * Money in lamports (1 SOL = 1e9), a decimal string.
   */
  total: string;
}
/**
 * A transaction that proposes an outcome.
 */
export interface ResolveReply {
  /**
   * Its name for `POST /api/transactions`: one intent lands once.
   */
  client_ref: string;
  /**
   * Compute units that it may use: a fifth more than its rehearsal did.
   */
  compute_units: number;
  /**
   * The document: RFC 8785 JSON.
   */
  document: string;
  /**
   * About when that is, RFC 3339.
   */
  expires_at: string;
  /**
   * The CIDv0 of the evidence's document.
   */
  ipfs_evidence_hash: string;
  /**
   * The last block height at which it can land.
   */
  last_valid_block_height: number;
  /**
   * A market's account address, base58.
   */
  market_id: string;
  /**
   * What is signed, base64.
   */
  message: string;
  /**
   * What it pays for each of them on top of the base fee, in micro-lamports.
   */
  priority_fee_micro_lamports: number;
  /**
   * The transaction with an empty place for the signature, base64.
   */
  transaction: string;
}
/**
 * A transaction that takes a market one step further.
 */
export interface StepReply {
  /**
   * Its name for `POST /api/transactions`: one intent lands once.
   */
  client_ref: string;
  /**
   * Compute units that it may use: a fifth more than its rehearsal did.
   */
  compute_units: number;
  /**
   * About when that is, RFC 3339.
   */
  expires_at: string;
  /**
   * The last block height at which it can land.
   */
  last_valid_block_height: number;
  /**
   * A market's account address, base58.
   */
  market_id: string;
  /**
   * What is signed, base64.
   */
  message: string;
  /**
   * What it pays for each of them on top of the base fee, in micro-lamports.
   */
  priority_fee_micro_lamports: number;
  /**
   * The transaction with an empty place for the signature, base64.
   */
  transaction: string;
}
/**
 * The answer to `get`: what its route answers.
 */
export interface ReplyGetMessage {
  action: "get";
  data:
    MarketDetail | MarketPage | ProgramView | MarketVotes | PositionPage | Portfolio | WalletTradePage | SubmissionView;
  id?: unknown;
  type: "reply";
}
/**
 * A page of a wallet's trades.
 */
export interface WalletTradePage {
  count: number;
  limit: number;
  next_cursor?: string | null;
  offset: number;
  trades: OwnTradeView[];
}
/**
 * The answer to `unsubscribe` (the channels that were left) and `list` (those that are subscribed).
 */
export interface ReplyMessage {
  action: string;
  channels: ChannelHead[];
  id?: unknown;
  quotes?: unknown[];
  type: "reply";
}
/**
 * The answer to `submit`: it is durable, and being sent.
 */
export interface ReplySubmitMessage {
  action: "submit";
  data: SubmitReply;
  id?: unknown;
  type: "reply";
}
/**
 * What is answered.
 */
export interface SubmitReply {
  /**
   * A transaction's signature, base58.
   */
  signature: string;
  /**
   * `received`, or where it stands if it was handed in before.
   */
  status: string;
}
/**
 * The answer to `vote`: it is counted.
 */
export interface ReplyVoteMessage {
  action: "vote";
  data: VoteReply;
  id?: unknown;
  type: "reply";
}
/**
 * What was counted.
 */
export interface VoteReply {
  tally: MeasuredTally3;
  /**
   * The vote.
   */
  vote: boolean;
}
/**
 * What is counted with it.
 */
export interface MeasuredTally3 {
  approval_bps?: number | null;
  /**
   * Against it.
   */
  dislikes: number;
  /**
   * In favour: of approving the proposal; of a dispute that the proposed outcome is wrong.
   */
  likes: number;
  /**
   * So many votes are needed.
   */
  min_votes: number;
  threshold_bps?: number | null;
  /**
   * Both.
   */
  total: number;
}
/**
 * The last message before a close with 1012.
 */
export interface ShutdownMessage {
  reconnect_after_ms: number;
  type: "shutdown";
}
/**
 * The market object as an entry tells it: inside `market_update` frames, and as the snapshot of a subscription.
 */
export interface MarketView1 {
  activated_at?: Moment | null;
  approved_at?: Moment | null;
  b_parameter: ShareUnits;
  cancelled_at?: Moment | null;
  category?: string | null;
  closes_at?: Moment | null;
  created_at: Moment;
  creator_wallet: Wallet;
  current_liquidity: Lamports;
  current_price_no?: PriceE9 | null;
  current_price_yes?: PriceE9 | null;
  description?: string | null;
  dispute_agree: number;
  dispute_disagree: number;
  final_outcome?: FinalOutcome | null;
  finalized_at?: Moment | null;
  id: MarketAddress;
  initial_liquidity: Lamports;
  ipfs_evidence_hash?: string | null;
  ipfs_question_hash?: string | null;
  market_seed: MarketSeed;
  on_chain_address: MarketAddress;
  proposal_dislikes: number;
  proposal_likes: number;
  proposed_outcome?: Outcome | null;
  question?: string | null;
  resolution_criteria?: string | null;
  resolution_proposed_at?: Moment | null;
  resolved_at?: Moment | null;
  resolver_wallet?: Wallet | null;
  seq: Seq;
  shares_no: ShareUnits;
  shares_yes: ShareUnits;
  slot: Slot;
  state: Phase;
  state_code: number;
  tags?: string[];
  total_volume: Lamports;
  trades_count: number;
  /**
   * Its creation was rolled back; left out of every other market.
   */
  vanished?: boolean;
  was_disputed: boolean;
}
/**
 * The config object.
 */
export interface ConfigView1 {
  admin: Wallet;
  backend_authority: Wallet;
  fees: FeesView;
  is_paused: boolean;
  periods: PeriodsView;
  protocol_fee_wallet: Wallet;
  thresholds: ThresholdsView;
  updated_at: Moment;
}
/**
 * A signed transaction, to be brought to the chain (signed in), as POST /api/transactions; answered by `reply`.
 */
export interface SubmitAction {
  action: "submit";
  client_ref?: string | null;
  /**
   * Any JSON of at most 256 bytes, numbers in it whole ones of 64 bits; echoed by the answer.
   */
  id?: {
    [k: string]: unknown;
  };
  idempotency_key?: string | null;
  /**
   * Signed, base64.
   */
  transaction: string;
}
/**
 * Frames of these channels, each once. Names `market_id`, or `channels`, or both; answered by `subscribed` for each.
 */
export interface SubscribeAction {
  action: "subscribe";
  channels?: string[] | null;
  /**
   * One price for several, at most every `interval_ms`; everything else as it comes.
   */
  conflate?: boolean | null;
  /**
   * Any JSON of at most 256 bytes, numbers in it whole ones of 64 bits; echoed by the answer.
   */
  id?: {
    [k: string]: unknown;
  };
  /**
   * From 50 to 5,000; 250 unless said otherwise.
   */
  interval_ms?: number | null;
  market_id?: string | null;
  /**
   * Where to resume: the newest place that is known, by channel, named as it is subscribed to.
   */
  since?: {
    [k: string]: Position;
  } | null;
}
/**
 * What a subscription begins with: a snapshot at `seq`, or, with `recovered: true`, nothing: the entries after `seq` follow. With a snapshot and without an id it can come by itself.
 */
export interface SubscribedMessage {
  channel: Channel;
  epoch: Epoch;
  finalized_seq?: number | null;
  head_seq?: number | null;
  id?: unknown;
  market_id?: MarketAddress | null;
  price?: PriceNow1 | null;
  recovered: boolean;
  seq?: number | null;
  slot?: Slot | null;
  snapshot?: Snapshot | null;
  timestamp?: string | null;
  type: "subscribed";
}
/**
 * Of a market that is resumed: the price at `head_seq`. Who was told prices for several entries at once may have lost
 * the last of them with his connection.
 */
export interface PriceNow1 {
  price_no: PriceE9;
  price_yes: PriceE9;
  shares_no: ShareUnits;
  shares_yes: ShareUnits;
}
/**
 * Votes, counted: each wallet once, by its vote on the chain if there is one.
 */
export interface TallyView3 {
  approval_bps?: number | null;
  /**
   * Against it.
   */
  dislikes: number;
  /**
   * In favour: of approving the proposal; of a dispute that the proposed outcome is wrong.
   */
  likes: number;
  /**
   * Both.
   */
  total: number;
}
/**
 * The price of a market after entry `market_seq` of it.
 */
export interface TickerPriceUpdateFrame {
  channel: string;
  data: PriceUpdate;
  epoch: Epoch;
  market_id: MarketAddress;
  market_seq: Seq;
  /**
   * What a user wrote: the request that wrote it, as its answer named it in `x-request-id`.
   */
  request_id?: string | null;
  slot: Slot;
  timestamp: string;
  type: "price_update";
}
/**
 * Entries of a market that are not what the chain holds, and the state that holds now.
 */
export interface TradesRollbackFrame {
  channel: string;
  data: MarketRollback;
  epoch: Epoch;
  market_id: MarketAddress;
  market_seq: Seq;
  /**
   * What a user wrote: the request that wrote it, as its answer named it in `x-request-id`.
   */
  request_id?: string | null;
  seq: Seq;
  slot: Slot;
  timestamp: string;
  type: "rollback";
}
/**
 * A trade.
 */
export interface TradesTradeExecutedFrame {
  channel: string;
  data: TradeView;
  epoch: Epoch;
  market_id: MarketAddress;
  market_seq: Seq;
  /**
   * What a user wrote: the request that wrote it, as its answer named it in `x-request-id`.
   */
  request_id?: string | null;
  seq: Seq;
  slot: Slot;
  timestamp: string;
  type: "trade_executed";
}
/**
 * No more frames of these channels, or no more of a quote stream, or nothing more where nothing is named; answered by
 * `reply`.
 */
export interface UnsubscribeAction {
  action: "unsubscribe";
  channels?: string[] | null;
  /**
   * Any JSON of at most 256 bytes, numbers in it whole ones of 64 bits; echoed by the answer.
   */
  id?: {
    [k: string]: unknown;
  };
  market_id?: string | null;
  /**
   * The id of a quote stream.
   */
  quote?: {
    [k: string]: unknown;
  };
}
/**
 * A vote on a proposal or a dispute (signed in), as POST /api/votes/…; answered by `reply`.
 */
export interface VoteAction {
  action: "vote";
  /**
   * Any JSON of at most 256 bytes, numbers in it whole ones of 64 bits; echoed by the answer.
   */
  id?: {
    [k: string]: unknown;
  };
  idempotency_key?: string | null;
  /**
   * The market: its account address, or its seed.
   */
  market_id: string;
  signature?: string | null;
  /**
   * Proposal: true to approve. Dispute: true if the proposed outcome is wrong.
   */
  vote: boolean;
  vote_type: VoteKind;
}
/**
 * What became of a transaction of the wallet.
 */
export interface WalletOrderUpdateFrame {
  channel: string;
  data: SubmissionView;
  market_id: MarketAddress;
  timestamp: string;
  type: "order_update";
}
/**
 * What the wallet holds in a market, after entry `market_seq` moved it.
 */
export interface WalletPositionUpdateFrame {
  channel: string;
  data: HoldingView;
  epoch: Epoch;
  market_id: MarketAddress;
  market_seq: Seq;
  slot: Slot;
  timestamp: string;
  type: "position_update";
}
/**
 * The first message of a connection.
 */
export interface WelcomeMessage {
  client_id: string;
  heartbeat_seconds: number;
  limits: Limits;
  server_time: string;
  type: "welcome";
  version: string;
}

/** What the server says to one connection. */
export type ServerMessage = AuthExpiredMessage | CommitmentMessage | ErrorMessage | HeartbeatMessage | PongMessage | QuoteMessage | ReplyAuthMessage | ReplyBuildMessage | ReplyGetMessage | ReplyMessage | ReplySubmitMessage | ReplyVoteMessage | ShutdownMessage | SubscribedMessage | WelcomeMessage;

/** What a client may say. */
export type ClientAction = AuthAction | BuildActivateAction | BuildBuyAction | BuildClaimAction | BuildCreateMarketAction | BuildDisputeAction | BuildResolveAction | BuildSellAction | BuildWithdrawAction | GetConfigAction | GetMarketAction | GetMarketsAction | GetPortfolioAction | GetPositionsAction | GetTradesAction | GetTransactionAction | GetVotesAction | ListAction | PingAction | PongAction | QuoteAction | SubmitAction | SubscribeAction | UnsubscribeAction | VoteAction;

/** The frames of each kind of channel. */
export interface FramesOf {
  config: ConfigConfigUpdateFrame | ConfigRollbackFrame;
  market: MarketDiscussionFrame | MarketMarketUpdateFrame | MarketPriceUpdateFrame | MarketRollbackFrame | MarketTradeExecutedFrame | MarketVoteUpdateFrame;
  markets: MarketsMarketUpdateFrame | MarketsRollbackFrame | MarketsVoteUpdateFrame;
  ticker: TickerPriceUpdateFrame;
  trades: TradesRollbackFrame | TradesTradeExecutedFrame;
  wallet: WalletOrderUpdateFrame | WalletPositionUpdateFrame;
}

/** Any frame of any channel. */
export type Frame = FramesOf[keyof FramesOf];

/** Why a connection is closed, and whether to come back. */
export const CLOSES = [
  {
    "code": 1000,
    "reason": "Goodbye.",
    "reconnect": false
  },
  {
    "code": 1002,
    "reason": "This is not a WebSocket frame as RFC 6455 has it.",
    "reconnect": false
  },
  {
    "code": 1003,
    "reason": "Binary messages are not part of this protocol; send JSON text.",
    "reconnect": false
  },
  {
    "code": 1007,
    "reason": "A text message must be UTF-8.",
    "reconnect": false
  },
  {
    "code": 1009,
    "reason": "The message is larger than allowed.",
    "reconnect": false
  },
  {
    "code": 1012,
    "reason": "The server is shutting down; reconnect and resume.",
    "reconnect": true
  },
  {
    "code": 4008,
    "reason": "You read too slowly; reconnect and resume.",
    "reconnect": true
  },
  {
    "code": 4009,
    "reason": "You send too many messages; slow down, reconnect and resume.",
    "reconnect": true
  },
  {
    "code": 4012,
    "reason": "No answer to a ping; reconnect and resume.",
    "reconnect": true
  },
  {
    "code": 4013,
    "reason": "A part of the server was restarted; reconnect and resume.",
    "reconnect": true
  },
  {
    "code": 4500,
    "reason": "The token is no good, twice; sign in again before you reconnect.",
    "reconnect": false
  },
  {
    "code": 4501,
    "reason": "A connection is one wallet's; connect anew for another.",
    "reconnect": false
  },
  {
    "code": 4502,
    "reason": "Ten bad messages in a row; fix the client before it reconnects.",
    "reconnect": false
  },
  {
    "code": 4503,
    "reason": "Too many connections from this address; close one first.",
    "reconnect": false
  }
] as const;
