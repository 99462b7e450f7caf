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
 * Money in lamports (1 SOL = 1e9), a decimal string.
 */
export type Lamports = string;
/**
 * What was decided. `Invalid`: finalized without an outcome.
 */
export type FinalOutcome = "YES" | "NO" | "INVALID";
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
 * Shares in base units (1 share = 1e9), a decimal string.
 */
export type ShareUnits = string;
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
export type PriceCause = "trade" | "resync" | "rollback";
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
    );
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
  | "NOT_OFFERED"
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
  | "INTERNAL";

/**
 * Signs the connection in, or on: answered by `reply`. A connection is one wallet's.
 */
export interface AuthAction {
  action: "auth";
  id?: unknown;
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
  seq: Seq;
  slot: Slot;
  timestamp: string;
  type: "rollback";
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
    | "NOT_OFFERED"
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
    | "INTERNAL";
  /**
   * The fields that were refused, and why.
   */
  details?: FieldError[];
  /**
   * Of the action that is refused.
   */
  id?: {
    [k: string]: unknown;
  };
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
  /**
   * The transaction that is in the way.
   */
  signature?: string | null;
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
  id?: unknown;
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
 * A comment that was written or deleted.
 */
export interface MarketDiscussionFrame {
  channel: string;
  data: DiscussionFrame;
  epoch: Epoch;
  market_id: MarketAddress;
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
 * A step of a market's life, an adopted state, or what a market is about.
 */
export interface MarketsMarketUpdateFrame {
  channel: string;
  data: MarketUpdate;
  epoch: Epoch;
  market_id: MarketAddress;
  market_seq: Seq;
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
  seq: Seq;
  slot: Slot;
  timestamp: string;
  type: "vote_update";
}
/**
 * Are you there? Answered by `pong`; so is the bare text `ping`.
 */
export interface PingAction {
  action: "ping";
  id?: unknown;
}
/**
 * I am here. Not answered.
 */
export interface PongAction {
  action: "pong";
  id?: unknown;
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
 * The price of a market.
 */
export interface PriceNow {
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
 * The answer to `unsubscribe` (the channels that were left) and `list` (those that are subscribed).
 */
export interface ReplyMessage {
  action: string;
  channels: ChannelHead[];
  id?: unknown;
  type: "reply";
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
 * Frames of these channels, each once. Names `market_id`, or `channels`, or both; answered by `subscribed` for each.
 */
export interface SubscribeAction {
  action: "subscribe";
  channels?: string[] | null;
  /**
   * One price for several, at most every `interval_ms`; everything else as it comes.
   */
  conflate?: boolean | null;
  id?: unknown;
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
  /**
   * The number of an entry in its market's journal.
   */
  head_seq: number;
  id?: unknown;
  market_id?: MarketAddress | null;
  price?: PriceNow1 | null;
  recovered: boolean;
  seq: Seq;
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
 * Entries of a market that are not what the chain holds, and the state that holds now.
 */
export interface TradesRollbackFrame {
  channel: string;
  data: MarketRollback;
  epoch: Epoch;
  market_id: MarketAddress;
  market_seq: Seq;
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
  seq: Seq;
  slot: Slot;
  timestamp: string;
  type: "trade_executed";
}
/**
 * No more frames of these channels, or of none where none is named; answered by `reply`.
 */
export interface UnsubscribeAction {
  action: "unsubscribe";
  channels?: string[] | null;
  id?: unknown;
  market_id?: string | null;
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
export type ServerMessage = AuthExpiredMessage | CommitmentMessage | ErrorMessage | HeartbeatMessage | PongMessage | ReplyAuthMessage | ReplyMessage | ShutdownMessage | SubscribedMessage | WelcomeMessage;

/** What a client may say. */
export type ClientAction = AuthAction | ListAction | PingAction | PongAction | SubscribeAction | UnsubscribeAction;

/** The frames of each kind of channel. */
export interface FramesOf {
  config: ConfigConfigUpdateFrame | ConfigRollbackFrame;
  market: MarketDiscussionFrame | MarketMarketUpdateFrame | MarketPriceUpdateFrame | MarketRollbackFrame | MarketTradeExecutedFrame | MarketVoteUpdateFrame;
  markets: MarketsMarketUpdateFrame | MarketsRollbackFrame | MarketsVoteUpdateFrame;
  trades: TradesRollbackFrame | TradesTradeExecutedFrame;
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
  }
] as const;
