// Made from docs/openapi.json by tools/generate.mjs: not to be edited.
/* eslint-disable */

export interface paths {
    "/actions.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Which links of this site are Actions */
        get: operations["get_actions_json"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/actions/icon.svg": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The picture that wallets show beside a market */
        get: operations["get_actions_icon_svg"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/actions/markets/{market}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A market as an Action */
        get: operations["get_actions_markets_market"];
        put?: never;
        /** A purchase, as an Action's transaction */
        post: operations["post_actions_markets_market"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/auth/login": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** A signed message for a session */
        post: operations["post_auth_login"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/auth/logout": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Ends the caller's session, with all its tokens */
        post: operations["post_auth_logout"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/auth/nonce": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Begins a sign-in, with the message to be signed */
        post: operations["post_auth_nonce"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/auth/refresh": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** A refresh token for new tokens of the same session */
        post: operations["post_auth_refresh"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/config": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Fees, thresholds and periods in force, the pause flag, and which program on which chain */
        get: operations["get_config"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/discussions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** A signed-in wallet comments on a market */
        post: operations["post_discussions"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/discussions/{market}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A market's comments, newest first */
        get: operations["get_discussions_market"];
        put?: never;
        /** A signed-in wallet comments on a market */
        post: operations["post_discussions_market"];
        /** The author takes a comment back */
        delete: operations["delete_discussions_market"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/events/latest": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Journal entries as the frames of the WebSocket server, for those who can only poll */
        get: operations["get_events_latest"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/export/trades.csv": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Trades as CSV, streamed */
        get: operations["get_export_trades_csv"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/export/trades.ndjson": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Trades as lines of JSON, streamed */
        get: operations["get_export_trades_ndjson"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/leaderboard": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Wallets by realised profit, volume or accuracy */
        get: operations["get_leaderboard"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/markets": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Markets, by what they are and in the order that is asked for */
        get: operations["get_markets"];
        put?: never;
        /** A new market as a transaction for the caller's wallet to sign */
        post: operations["post_markets"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/markets/{market}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A market, now */
        get: operations["get_markets_market"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/markets/{market}/activate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Opens trading */
        post: operations["post_markets_market_activate"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/markets/{market}/candles": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Open, high, low and close of YES, and what was traded, a bucket after another */
        get: operations["get_markets_market_candles"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/markets/{market}/claim": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Pays a winner, or refunds where the market has no outcome */
        post: operations["post_markets_market_claim"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/markets/{market}/depth": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What trades of growing size would cost and leave behind, both sides */
        get: operations["get_markets_market_depth"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/markets/{market}/discussions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A market's comments, newest first */
        get: operations["get_markets_market_discussions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/markets/{market}/dispute": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Says that the proposed outcome is wrong */
        post: operations["post_markets_market_dispute"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/markets/{market}/governance": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The audit trail: each vote, each decision, what was in force */
        get: operations["get_markets_market_governance"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/markets/{market}/holders": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Who holds shares of it, most first */
        get: operations["get_markets_market_holders"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/markets/{market}/metadata": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** The creator supplies the document of a market that was made elsewhere */
        put: operations["put_markets_market_metadata"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/markets/{market}/price-history": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The price in percent, evenly sampled */
        get: operations["get_markets_market_price_history"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/markets/{market}/prices": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What a share costs now */
        get: operations["get_markets_market_prices"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/markets/{market}/related": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Open markets of its category that are traded most, then others of its creator */
        get: operations["get_markets_market_related"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/markets/{market}/resolve": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Proposes an outcome, with its evidence */
        post: operations["post_markets_market_resolve"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/markets/{market}/snapshots": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What of its discussion is pinned to IPFS, the newest document first */
        get: operations["get_markets_market_snapshots"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/markets/{market}/stats": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What is counted of a market */
        get: operations["get_markets_market_stats"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/markets/{market}/trades": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A market's trades, newest first */
        get: operations["get_markets_market_trades"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/markets/{market}/votes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Every vote that was cast, newest first, here and on the chain */
        get: operations["get_markets_market_votes"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/markets/{market}/withdraw": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Pays the creator what is left in a finalized market */
        post: operations["post_markets_market_withdraw"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/markets/activity": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What happened of late, over all markets */
        get: operations["get_markets_activity"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/markets/categories": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What markets are about */
        get: operations["get_markets_categories"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/markets/trending": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What is traded just now */
        get: operations["get_markets_trending"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/trades/buy": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** A purchase as a transaction for the caller's wallet to sign */
        post: operations["post_trades_buy"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/trades/estimate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What a trade would do now, by the chain's own arithmetic and without asking it */
        get: operations["get_trades_estimate"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/trades/history": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The caller's own trades, newest first */
        get: operations["get_trades_history"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/trades/quote": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** As /api/trades/estimate */
        get: operations["get_trades_quote"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/trades/sell": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** A sale as a transaction for the caller's wallet to sign */
        post: operations["post_trades_sell"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/transactions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** A signed transaction, to be brought to the chain */
        post: operations["post_transactions"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/transactions/{signature}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What became of the caller's own transaction */
        get: operations["get_transactions_signature"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/users/{wallet}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * A wallet's profile with its totals
         * @description A wallet that only traded, voted or created a market has one, too.
         */
        get: operations["get_users_wallet"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/users/{wallet}/portfolio": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What a wallet's positions were worth over time, evenly sampled */
        get: operations["get_users_wallet_portfolio"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/users/{wallet}/positions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What a wallet holds, as a bare array
         * @description The next page is named by the Link header (`rel="next"`).
         */
        get: operations["get_users_wallet_positions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/users/{wallet}/trades": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A wallet's trades, newest first */
        get: operations["get_users_wallet_trades"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/users/{wallet}/votes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A wallet's votes, here and on the chain, newest first */
        get: operations["get_users_wallet_votes"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/users/me": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The caller's profile */
        get: operations["get_users_me"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /** The caller's profile, changed */
        patch: operations["patch_users_me"];
        trace?: never;
    };
    "/api/votes/{market}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Both tallies of a market, and the caller's own votes */
        get: operations["get_votes_market"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/votes/dispute": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Votes on a dispute */
        post: operations["post_votes_dispute"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/votes/proposal": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Votes on a proposal */
        post: operations["post_votes_proposal"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/asyncapi.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What the WebSocket says and takes (AsyncAPI 3.0) */
        get: operations["get_asyncapi_json"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/docs/{file}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** This document, for people (Swagger UI) */
        get: operations["get_docs_file"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/health": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The process is there */
        get: operations["get_health"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/openapi.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** This document */
        get: operations["get_openapi_json"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/ready": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Whether it is fit for work, and which part is not and why */
        get: operations["get_ready"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /**
         * @description An account's address, base58.
         * @example GthTyfd3EV9Y8wN6zhZeES5PgT2jQVzLrZizfZquAY5S
         */
        AccountAddress: string;
        /** @description Whose transaction it is to be. */
        ActionBody: {
            /** @description The wallet that will sign. */
            account: components["schemas"]["Wallet"];
        };
        /** @description What can be done. */
        ActionLinks: {
            actions: components["schemas"]["LinkedAction"][];
        };
        /** @description What the user fills in. */
        ActionParameter: {
            label: string;
            name: string;
            required: boolean;
            type: string;
        };
        /** @description A transaction to sign. */
        ActionReply: {
            message: string;
            transaction: string;
            type: string;
        };
        /** @description A rule. */
        ActionRule: {
            /** @description Where their Action is. */
            apiPath: string;
            /** @description Paths of the site. */
            pathPattern: string;
        };
        /** @description The rules. */
        ActionRules: {
            /** @description In order; the first that fits counts. */
            rules: components["schemas"]["ActionRule"][];
        };
        /** @description An Action as its standard has it. */
        ActionView: {
            description: string;
            disabled: boolean;
            icon: string;
            label: string;
            links?: components["schemas"]["ActionLinks"] | null;
            title: string;
            type: string;
        };
        /** @description A page, newest first. */
        ActivityPage: {
            activities: components["schemas"]["ActivityView"][];
            /** @description Rows in this answer. */
            count: number;
            /** Format: int32 */
            limit: number;
            next_cursor?: string | null;
            /** Format: int32 */
            offset: number;
        };
        /** @description Something that happened. */
        ActivityView: {
            action: string;
            /** @description SOL. */
            amount: components["schemas"]["Decimals"];
            id: string;
            /** @description The market's question, or its address where none is known. */
            market: string;
            marketId: components["schemas"]["MarketAddress"];
            time: components["schemas"]["Moment"];
            /** @description `trade`, `resolution` or `creation`. */
            type: string;
            /** @description The wallet. */
            user: string;
        };
        /**
         * Format: int64
         * @description Basis points: 10,000 = all of it.
         */
        Bps: number;
        /** @description What is wanted. */
        BuyBody: {
            /** @description The price can't be trusted and is accepted all the same. */
            accept_unsound?: boolean;
            client_ref?: components["schemas"]["ClientRef"] | null;
            /** @description The market. */
            market_id: components["schemas"]["MarketId"];
            max_cost?: components["schemas"]["Lamports"] | null;
            min_shares?: components["schemas"]["ShareUnits"] | null;
            /** @description What to buy. */
            outcome: components["schemas"]["OutcomeArg"];
            /** @description By default none. */
            priority_fee?: components["schemas"]["PriorityFee"];
            shares?: components["schemas"]["ShareUnits"] | null;
            spend?: components["schemas"]["Lamports"] | null;
            /** @description By default 0. */
            version?: components["schemas"]["VersionArg"];
        };
        /** @description What is signed, and what it will do. */
        BuyReply: components["schemas"]["TransactionView"] & {
            /**
             * @description `simulation`: `min_shares` was held against the rehearsal only, since the program knows no such bound; `null`:
             *     none was given.
             */
            guard?: string | null;
            /** @description What the trade does, by the market as this process knows it. */
            quote: components["schemas"]["QuoteView"];
            /** @description What it did in the rehearsal on the chain's newest state. */
            rehearsed: components["schemas"]["Rehearsed"];
        };
        /** @description Candles, oldest first. */
        CandlesView: {
            candles: components["schemas"]["CandleView"][];
            /** @description Candles in this answer. */
            count: number;
            market_id: components["schemas"]["MarketAddress"];
            resolution: components["schemas"]["Resolution"];
            seq: components["schemas"]["Seq"];
            slot: components["schemas"]["Slot"];
        };
        /** @description A candle. */
        CandleView: {
            close: components["schemas"]["PriceE9"];
            high: components["schemas"]["PriceE9"];
            low: components["schemas"]["PriceE9"];
            open: components["schemas"]["PriceE9"];
            /** @description Its first second. */
            timestamp: components["schemas"]["Moment"];
            /** Format: int64 */
            trades: number;
            /** @description Lamports. */
            volume: string;
        };
        /** @description The largest first. */
        CategoriesView: {
            categories: components["schemas"]["CategoryView"][];
        };
        /** @description A category. */
        CategoryView: {
            /**
             * Format: int64
             * @description Its markets.
             */
            count: number;
            emoji: string;
            /** @description What `category=` of the list takes. */
            id: string;
            name: string;
            /** @description `up`, `down` or `flat`: its volume of 24 hours beside that of the 24 before. */
            trend: string;
        };
        /** @description A client's name for what it wants: one intent lands once. */
        ClientRef: string;
        /** @description A comment on the market of the path. */
        CommentBody: {
            /** @description 1 to 1,000 characters after trimming. */
            content: string;
        };
        /** @description Comments, newest first; deleted ones are left out. */
        CommentPage: {
            count: number;
            discussions: components["schemas"]["CommentView"][];
            /** Format: int32 */
            limit: number;
            next_cursor?: string | null;
            /** Format: int32 */
            offset: number;
        };
        /** @description A comment. */
        CommentView: {
            /** @description What was said. */
            content: string;
            /** @description When. */
            created_at: string;
            /**
             * Format: uuid
             * @description The comment.
             */
            id: string;
            /** @description The market. */
            market_id: string;
            /** @description Its author. */
            user_wallet: string;
        };
        /** @description A change of the config. */
        ConfigChangeView: {
            at: components["schemas"]["Moment"];
            /**
             * Format: int64
             * @description Likewise.
             */
            dispute_period_seconds: number;
            /** @description Likewise. */
            dispute_success_bps: components["schemas"]["Bps"];
            /** @description `GlobalConfigInitialized` or `ConfigUpdated`. */
            event: string;
            /** @description In force from here on. */
            proposal_approval_bps: components["schemas"]["Bps"];
            seq: components["schemas"]["Seq"];
            signature: components["schemas"]["TxSignature"];
            slot: components["schemas"]["Slot"];
        };
        /** @description The config object. */
        ConfigView: {
            admin: components["schemas"]["Wallet"];
            backend_authority: components["schemas"]["Wallet"];
            fees: components["schemas"]["FeesView"];
            is_paused: boolean;
            periods: components["schemas"]["PeriodsView"];
            protocol_fee_wallet: components["schemas"]["Wallet"];
            thresholds: components["schemas"]["ThresholdsView"];
            updated_at: components["schemas"]["Moment"];
        };
        /** @description What is wanted. */
        CreateBody: {
            /** @description LMSR's b: at least 100 shares (100,000,000,000), below which the program can't trade. */
            b_parameter: components["schemas"]["ShareUnits"];
            /** @description 1 to 50 characters. */
            category: string;
            client_ref?: components["schemas"]["ClientRef"] | null;
            /** @description When trading is meant to end, RFC 3339. */
            closes_at?: string | null;
            /** @description 0 to 2,000 characters. */
            description?: string;
            /** @description Liquidity on paper, above 0; no lamports move. */
            initial_liquidity: components["schemas"]["Lamports"];
            /** @description By default none. */
            priority_fee?: components["schemas"]["PriorityFee"];
            /** @description 10 to 200 characters. */
            question: string;
            /** @description By what it will be resolved: 1 to 2,000 characters. */
            resolution_criteria?: string | null;
            /** @description At most 10 different ones of 1 to 30 characters. */
            tags?: string[];
            /** @description By default 0. */
            version?: components["schemas"]["VersionArg"];
        };
        /** @description A transaction that proposes a market. */
        CreateReply: components["schemas"]["TransactionView"] & {
            /** @description The CIDv0 of the metadata's document. */
            ipfs_question_hash: string;
            /** @description The market's account, once the chain has it. */
            market: components["schemas"]["MarketAddress"];
            /** @description What it is made from. */
            market_seed: components["schemas"]["MarketSeed"];
        };
        /**
         * @description Who decided.
         * @enum {string}
         */
        DecidedBy: "engine" | "other";
        Decimals: number;
        /** @description Something that was done, or tried, in the name of an authority. */
        DecisionView: {
            by: components["schemas"]["DecidedBy"];
            counts?: components["schemas"]["TallyView"] | null;
            /** @description When it was written down here: the engine's clock, which decides nothing. */
            created_at: string;
            /** @description Its events in the market's journal; none while it has not landed. */
            events: components["schemas"]["LandedView"][];
            grounds?: components["schemas"]["GroundsView"] | null;
            /** @description This engine's have a number, which `decision` takes; others have the name of their entry. */
            id: string;
            /**
             * @description `aggregate_proposal`, `approve_proposal`, `finalize_dispute`, `finalize_undisputed`; of others also `aggregate_dispute`
             *     and `cancel`.
             */
            purpose: string;
            /** @description Why it failed. */
            reason?: Record<string, never> | null;
            /** @description Nothing can change it any more. */
            settled: boolean;
            signature: components["schemas"]["TxSignature"];
            slot?: components["schemas"]["Slot"] | null;
            /** @description `signed`, `sent`, `processed`, `confirmed`, `finalized`, `failed` or `expired`. */
            status: string;
            updated_at?: string | null;
        };
        /** @description Both outcomes. */
        DepthView: {
            market_id: components["schemas"]["MarketAddress"];
            price_yes?: components["schemas"]["PriceE9"] | null;
            seq: components["schemas"]["Seq"];
            sides: components["schemas"]["SideView"][];
            slot: components["schemas"]["Slot"];
        };
        /** @description An entry of the market's journal, and when it was recorded. */
        EntryView: {
            /** Format: int32 */
            epoch: number;
            /** Format: int64 */
            seq: number;
            time: string;
        };
        /**
         * Format: int64
         * @description A life of the journal.
         */
        Epoch: number;
        /** @description The body of every error, on every route. */
        ErrorBody: {
            /** @description The fields that were refused; empty if it is not about fields. */
            details: components["schemas"]["FieldError"][];
            /** @description What went wrong, for programs. */
            error: components["schemas"]["ErrorCode"];
            /** @description What went wrong, for people. */
            message: string;
            /** @description The path that was asked for, without its query. */
            path: string;
            program_error?: components["schemas"]["ProgramRefusal"] | null;
            /**
             * Format: uuid
             * @description Names the request, as the header x-request-id does.
             */
            request_id: string;
            signature?: components["schemas"]["TxSignature"] | null;
            /**
             * Format: int32
             * @description The status of the reply.
             */
            status: number;
            /**
             * Format: date-time
             * @description When, RFC 3339 in UTC.
             */
            timestamp: string;
        };
        /**
         * @description What went wrong, for programs.
         * @enum {string}
         */
        ErrorCode: "VALIDATION_ERROR" | "UNAUTHORIZED" | "FORBIDDEN" | "NOT_FOUND" | "CONFLICT" | "PAYLOAD_TOO_LARGE" | "METHOD_NOT_ALLOWED" | "UNSUPPORTED_MEDIA_TYPE" | "CHAIN_REFUSED" | "IDEMPOTENCY_MISMATCH" | "RATE_LIMITED" | "INTERNAL" | "UNAVAILABLE" | "PAUSED" | "STALE" | "TIMEOUT";
        /** @description Fees, by receiver. */
        Fees: {
            lp: components["schemas"]["Lamports"];
            protocol: components["schemas"]["Lamports"];
            resolver: components["schemas"]["Lamports"];
            total: components["schemas"]["Lamports"];
        };
        /** @description The three rates of a trade, in basis points. */
        FeesView: {
            lp_bps: components["schemas"]["Bps"];
            protocol_bps: components["schemas"]["Bps"];
            resolver_bps: components["schemas"]["Bps"];
        };
        /** @description A field that was refused, and why. */
        FieldError: {
            /** @description The field's name in the request. */
            field: string;
            /** @description For people. */
            message: string;
        };
        /**
         * @description What was decided. `Invalid`: finalized without an outcome.
         * @enum {string}
         */
        FinalOutcome: "YES" | "NO" | "INVALID";
        /** @description A market as its decisions concern it. Moments are the chain's. */
        GovernedMarket: {
            address: components["schemas"]["MarketAddress"];
            approved_at?: components["schemas"]["Moment"] | null;
            cancelled_at?: components["schemas"]["Moment"] | null;
            created_at: components["schemas"]["Moment"];
            dispute_initiated_at?: components["schemas"]["Moment"] | null;
            final_outcome?: components["schemas"]["FinalOutcome"] | null;
            finalized_at?: components["schemas"]["Moment"] | null;
            market_seed: components["schemas"]["MarketSeed"];
            proposed_outcome?: components["schemas"]["Outcome"] | null;
            /** @description What the account counts, as it was last reported to the program. */
            reported: components["schemas"]["Reported"];
            resolution_proposed_at?: components["schemas"]["Moment"] | null;
            state: components["schemas"]["Phase"];
            was_disputed: boolean;
        };
        /** @description What a decision rests on. */
        GroundsView: {
            chain_time: components["schemas"]["Moment"];
            /** @description Threshold and periods were read from the chain; `false`: they were this server's settings. */
            config_read: boolean;
            due_at?: components["schemas"]["Moment"] | null;
            /** @description The votes of all entries up to this one, itself included, were counted: it was final on the chain. */
            epoch: components["schemas"]["Epoch"];
            /**
             * Format: int32
             * @description So many votes were asked for; 0: no minimum.
             */
            min_votes: number;
            seq: components["schemas"]["Seq"];
            /** @description The chain's time was read at this slot. */
            slot: components["schemas"]["Slot"];
            /** @description The threshold that the votes were held against. */
            threshold_bps: components["schemas"]["Bps"];
        };
        HealthView: {
            service: string;
            status: string;
            /**
             * Format: int64
             * @description Seconds.
             */
            uptime: number;
            version: string;
        };
        /** @description A page of holders. */
        HolderPage: {
            /** @description Rows in this answer. */
            count: number;
            holders: components["schemas"]["HolderView"][];
            /** Format: int32 */
            limit: number;
            market_id: components["schemas"]["MarketAddress"];
            next_cursor?: string | null;
            /** Format: int32 */
            offset: number;
            seq: components["schemas"]["Seq"];
            slot: components["schemas"]["Slot"];
        };
        /** @description A holder. */
        HolderView: {
            last_trade_at: components["schemas"]["Moment"];
            shares_no: components["schemas"]["ShareUnits"];
            shares_yes: components["schemas"]["ShareUnits"];
            total_invested: components["schemas"]["Lamports"];
            /** Format: int64 */
            trades_count: number;
            wallet: components["schemas"]["Wallet"];
        };
        /** @description The program's config as it decides now, and how it came to be so. */
        InForce: {
            /** @description The newest 100 changes, newest first: each is a transaction that anybody can look at. */
            changes: components["schemas"]["ConfigChangeView"][];
            /** @description The config's account. */
            config: components["schemas"]["AccountAddress"];
            /**
             * Format: int64
             * @description An outcome can be disputed for so long.
             */
            dispute_period_seconds: number;
            /** @description So much agreement overturns a proposed outcome. */
            dispute_success_bps: components["schemas"]["Bps"];
            /** @description So much approval a proposal needs. */
            proposal_approval_bps: components["schemas"]["Bps"];
            seq: components["schemas"]["Seq"];
            slot: components["schemas"]["Slot"];
        };
        /**
         * @description Money in lamports (1 SOL = 1e9), a decimal string.
         * @example 1000000000
         */
        Lamports: string;
        /** @description An event in the market's journal. */
        LandedView: {
            /** @description The chain's clock. */
            at: components["schemas"]["Moment"];
            epoch: components["schemas"]["Epoch"];
            event: string;
            /** @description It can't be rolled back any more. */
            finalized: boolean;
            seq: components["schemas"]["Seq"];
            slot: components["schemas"]["Slot"];
        };
        /** @description A page of the leaderboard. */
        LeaderboardPage: {
            /** @description `profit`, `volume` or `accuracy`. */
            by: string;
            count: number;
            entries: components["schemas"]["LeaderView"][];
            /** Format: int32 */
            limit: number;
            next_cursor?: string | null;
            /** Format: int32 */
            offset: number;
            /** @description `24h`, `7d`, `30d` or `all`. */
            window: string;
        };
        /** @description A wallet of the leaderboard. */
        LeaderView: {
            accuracy?: components["schemas"]["Ratio"] | null;
            display_name?: string | null;
            /** Format: int64 */
            markets_correct: number;
            /** Format: int64 */
            markets_decided: number;
            /** Format: int64 */
            rank: number;
            realized_pnl: components["schemas"]["Profit"];
            /** Format: int64 */
            trades: number;
            volume: components["schemas"]["Sum"];
            wallet: components["schemas"]["Wallet"];
        };
        /** @description Who holds an office among the nodes of a database, as this one knows. */
        LeaseStanding: {
            /** @description Who holds it, or did last. */
            leader: string;
            /** @description This node. */
            node: string;
            /** @description `leader`: this one; `follower`: another; or `nobody`. */
            role: string;
            /**
             * Format: int64
             * @description In which term.
             */
            term: number;
        };
        /** @description A trade of one size: what it would do, or why the program would refuse it. */
        LevelView: {
            cost?: components["schemas"]["Lamports"] | null;
            price_yes_after?: components["schemas"]["PriceE9"] | null;
            /** @description The program's name of the error. */
            refused?: string | null;
            shares?: components["schemas"]["ShareUnits"] | null;
            /** @description A buy: lamports that are offered; a sale: share units. */
            size: string;
        };
        /** @description One thing that can be done. */
        LinkedAction: {
            href: string;
            label: string;
            parameters?: components["schemas"]["ActionParameter"][];
            type: string;
        };
        /** @description A vote and its entry. */
        ListedVote: components["schemas"]["VoteView"] & {
            seq: components["schemas"]["Seq"];
        };
        /** @description A signed message. */
        LoginBody: {
            /** @description The text that was signed, to the letter. */
            message: string;
            /** @description The wallet's signature, base58 or base64. */
            signature: string;
            /**
             * @description The exact bytes that were signed (base64), if they are not the message's: a hardware wallet's envelope, or what
             *     `signIn` answers as `signedMessage`. Without it the usual envelopes are tried.
             */
            signed_message?: string | null;
            /** @description The wallet. */
            wallet: components["schemas"]["Wallet"];
        };
        /** @description A session, and who has it. */
        LoginView: components["schemas"]["TokensView"] & {
            user: components["schemas"]["UserView"];
        };
        /**
         * @description A market's account address, base58.
         * @example GthTyfd3EV9Y8wN6zhZeES5PgT2jQVzLrZizfZquAY5S
         */
        MarketAddress: string;
        /** @description A comment on any market. */
        MarketCommentBody: {
            /** @description 1 to 1,000 characters after trimming. */
            content: string;
            /** @description The market: its account address, or its seed. */
            market_id: string;
        };
        /** @description The market object of REST: what is true now. */
        MarketDetail: components["schemas"]["MarketView"] & {
            dispute_deadline?: components["schemas"]["Moment"] | null;
            fair_price_yes?: components["schemas"]["PriceE9"] | null;
            /** Format: int64 */
            traders_count?: number | null;
            volume_24h?: components["schemas"]["Lamports"] | null;
            warnings: components["schemas"]["Warning"][];
        };
        /** @description A market's account address (base58) or its seed (64 hexadecimal digits). */
        MarketId: string;
        /** @description A page of markets. */
        MarketPage: {
            /** @description Rows in this answer. */
            count: number;
            /** Format: int32 */
            limit: number;
            markets: components["schemas"]["MarketDetail"][];
            /** @description Where the next page begins; null on the last one. */
            next_cursor?: string | null;
            /** Format: int32 */
            offset: number;
        };
        /**
         * @description The program's own id of a market, 64 hexadecimal digits.
         * @example 0000000000000000000000000000000000000000000000000000000000000001
         */
        MarketSeed: string;
        /** @description The market object as an entry tells it: inside `market_update` frames, and as the snapshot of a subscription. */
        MarketView: (components["schemas"]["MetadataView"] | null) & {
            activated_at?: components["schemas"]["Moment"] | null;
            approved_at?: components["schemas"]["Moment"] | null;
            b_parameter: components["schemas"]["ShareUnits"];
            cancelled_at?: components["schemas"]["Moment"] | null;
            created_at: components["schemas"]["Moment"];
            creator_wallet: components["schemas"]["Wallet"];
            current_liquidity: components["schemas"]["Lamports"];
            current_price_no?: components["schemas"]["PriceE9"] | null;
            current_price_yes?: components["schemas"]["PriceE9"] | null;
            /** Format: int32 */
            dispute_agree: number;
            /** Format: int32 */
            dispute_disagree: number;
            final_outcome?: components["schemas"]["FinalOutcome"] | null;
            finalized_at?: components["schemas"]["Moment"] | null;
            id: components["schemas"]["MarketAddress"];
            initial_liquidity: components["schemas"]["Lamports"];
            ipfs_evidence_hash?: string | null;
            ipfs_question_hash?: string | null;
            market_seed: components["schemas"]["MarketSeed"];
            on_chain_address: components["schemas"]["MarketAddress"];
            /** Format: int32 */
            proposal_dislikes: number;
            /** Format: int32 */
            proposal_likes: number;
            proposed_outcome?: components["schemas"]["Outcome"] | null;
            resolution_proposed_at?: components["schemas"]["Moment"] | null;
            resolved_at?: components["schemas"]["Moment"] | null;
            resolver_wallet?: components["schemas"]["Wallet"] | null;
            seq: components["schemas"]["Seq"];
            shares_no: components["schemas"]["ShareUnits"];
            shares_yes: components["schemas"]["ShareUnits"];
            slot: components["schemas"]["Slot"];
            state: components["schemas"]["Phase"];
            /** Format: int32 */
            state_code: number;
            total_volume: components["schemas"]["Lamports"];
            /** Format: int64 */
            trades_count: number;
            /** @description Its creation was rolled back; left out of every other market. */
            vanished?: boolean;
            was_disputed: boolean;
        };
        /** @description What is counted in a market. */
        MarketVotes: {
            /** @description On its dispute. */
            dispute: components["schemas"]["MeasuredTally"];
            /** @description The market. */
            market_id: components["schemas"]["MarketAddress"];
            own?: components["schemas"]["Own"] | null;
            /** @description On its proposal. */
            proposal: components["schemas"]["MeasuredTally"];
            seq: components["schemas"]["Seq"];
            slot: components["schemas"]["Slot"];
        };
        /** @description A tally, and what it takes. */
        MeasuredTally: components["schemas"]["TallyView"] & {
            /**
             * Format: int32
             * @description So many votes are needed.
             */
            min_votes: number;
            threshold_bps?: components["schemas"]["Bps"] | null;
        };
        /** @description What the market is about, exactly as it was hashed when the market was made. */
        MetadataBody: {
            /** @description 1 to 50 characters. */
            category: string;
            closes_at?: components["schemas"]["Moment"] | null;
            /** @description 0 to 2,000 characters. */
            description?: string;
            /** @description 10 to 200 characters. */
            question: string;
            /** @description 1 to 2,000 characters. */
            resolution_criteria?: string | null;
            /** @description At most 10 different ones of 1 to 30 characters. */
            tags?: string[];
        };
        /** @description The document that the market has now. */
        MetadataReply: {
            /** @description The canonical JSON (RFC 8785) that was hashed. */
            document: string;
            /** @description The document's CIDv0, which is the chain's. */
            ipfs_question_hash?: string | null;
            /** @description The market. */
            market_id: components["schemas"]["MarketAddress"];
            /** @description Its fields. */
            metadata: components["schemas"]["MetadataView"];
        };
        /** @description What a market is about, as its creator wrote it; all `null` where only the chain tells of the market. */
        MetadataView: {
            category?: string | null;
            closes_at?: components["schemas"]["Moment"] | null;
            description?: string | null;
            question?: string | null;
            resolution_criteria?: string | null;
            tags: string[];
        };
        /**
         * Format: date-time
         * @description A moment, RFC 3339 in UTC.
         */
        Moment: string;
        /** @description Who wants to sign in. */
        NonceBody: {
            /** @description The wallet. */
            wallet: components["schemas"]["Wallet"];
        };
        /** @description A sign-in that has begun. */
        NonceView: {
            /**
             * Format: date-time
             * @description Until then it has to be signed and handed in.
             */
            expires_at: string;
            /** @description What a wallet's `signIn` takes. */
            input: components["schemas"]["SignInInput"];
            /** @description The text to sign, for wallets that only sign messages. */
            message: string;
            /** @description Good for one sign-in. */
            nonce: string;
        };
        /** @description Why a transaction failed. */
        OrderFailure: {
            /**
             * Format: int32
             * @description The number of a program's own error, where it has one: 6000 and more are the zmart program's.
             */
            code?: number | null;
            /** @description Its name. */
            name: string;
        };
        /**
         * @description An outcome.
         * @enum {string}
         */
        Outcome: "YES" | "NO";
        OutcomeArg: string | boolean;
        /** @description The caller's own votes; `null` where there is none. */
        Own: {
            dispute?: components["schemas"]["OwnVote"] | null;
            proposal?: components["schemas"]["OwnVote"] | null;
        };
        /** @description The caller's profile, and what the caller did in all. */
        OwnProfileView: components["schemas"]["UserView"] & {
            totals: components["schemas"]["TotalsView"];
        };
        /** @description A trade, as its own wallet sees it. */
        OwnTradeView: components["schemas"]["TradeView"] & {
            /** @description What the wallet named the intent when it built or sent the transaction here; `null` for any other trade. */
            client_ref?: string | null;
        };
        /** @description The vote of the caller that counts. */
        OwnVote: {
            /** @description Where it was cast; one on the chain wins. */
            source: components["schemas"]["VoteSourceView"];
            /** @description Which way. */
            vote: boolean;
        };
        /** @description How a part is. */
        PartState: {
            /** @enum {string} */
            status: "up";
        } | {
            /** @description For people. */
            reason: string;
            /** @enum {string} */
            status: "degraded";
        } | {
            /** @description For people. */
            reason: string;
            /** @enum {string} */
            status: "off";
        } | {
            /** @description For people. */
            reason: string;
            /** @enum {string} */
            status: "down";
        };
        /** @description The program's periods, in seconds. */
        PeriodsView: {
            /** Format: int64 */
            dispute_period_seconds: number;
            /** Format: int64 */
            min_resolution_delay_seconds: number;
        };
        /**
         * @description A market's state.
         * @enum {string}
         */
        Phase: "PROPOSED" | "APPROVED" | "ACTIVE" | "RESOLVING" | "DISPUTED" | "FINALIZED" | "CANCELLED";
        /** @description A wallet's portfolio over time. */
        Portfolio: {
            points: components["schemas"]["PortfolioPoint"][];
            /** @description Positions that were counted: at most the 50 that were traded last. */
            positions: number;
            /** @description There are more positions than were counted, or one with more hours than are looked at. */
            truncated: boolean;
            wallet: components["schemas"]["Wallet"];
            window: string;
        };
        /** @description A portfolio at the end of an hour. */
        PortfolioPoint: {
            /** @description What it had cost. */
            cost: components["schemas"]["Sum"];
            /** @description Up to then. */
            realized_pnl: components["schemas"]["Profit"];
            /** @description The end of an hour; of the last point that of the running one, as it stands now. */
            timestamp: components["schemas"]["Moment"];
            value: components["schemas"]["Sum"];
        };
        /** @description A position, as its owner's page shows it. */
        PositionView: {
            /** @description The program would pay a claim now. */
            claimable: boolean;
            current_value?: components["schemas"]["Lamports"] | null;
            has_claimed: boolean;
            market_id: components["schemas"]["MarketAddress"];
            /** @description `null`: the market's metadata is not known. */
            question?: string | null;
            realized_pnl: components["schemas"]["Profit"];
            roi?: components["schemas"]["Ratio"] | null;
            shares_no: components["schemas"]["ShareUnits"];
            shares_yes: components["schemas"]["ShareUnits"];
            state: components["schemas"]["Phase"];
            /** Format: int32 */
            state_code: number;
            total_invested: components["schemas"]["Lamports"];
            unrealized_pnl?: components["schemas"]["Profit"] | null;
        };
        /**
         * @description A price with nine decimals.
         * @example 0.500000000
         */
        PriceE9: string;
        /** @description The price at a moment. */
        PricePoint: {
            /** @description Percent, 0 to 100. */
            no: components["schemas"]["Decimals"];
            timestamp: components["schemas"]["Moment"];
            /** @description Percent, 0 to 100. */
            yes: components["schemas"]["Decimals"];
        };
        /** @description The prices of a market: the reply of `GET /api/markets/{market}/prices`. */
        PricesView: {
            b_parameter: components["schemas"]["ShareUnits"];
            price_no?: components["schemas"]["PriceE9"] | null;
            price_yes?: components["schemas"]["PriceE9"] | null;
            seq: components["schemas"]["Seq"];
            shares_no: components["schemas"]["ShareUnits"];
            shares_yes: components["schemas"]["ShareUnits"];
            slot: components["schemas"]["Slot"];
        };
        PriorityFee: string | number;
        /** @description What is to be changed: a field that is not there is left as it is, `null` takes it away. */
        ProfileBody: {
            /** @description An address that begins with `https://`, at most 500 characters. */
            avatar_url?: string | null;
            /** @description 1 to 500 characters. */
            bio?: string | null;
            /** @description 1 to 50 characters, none of them a control character. */
            display_name?: string | null;
        };
        /**
         * @description Money gained, or lost where it is negative, in lamports: a decimal string.
         * @example -1000000000
         */
        Profit: string;
        /**
         * @description A program's address, base58.
         * @example 7h3gXfBfYFueFVLYyfL5Qo1QGsf4GQUfW96FKVgnUsJS
         */
        ProgramId: string;
        /** @description Why the chain would refuse, or has refused, a transaction. */
        ProgramRefusal: {
            /**
             * Format: int32
             * @description The number of a program's own error, where it has one: 6000 and more are the zmart program's.
             */
            code?: number | null;
            /** @description Its name. */
            name: string;
        };
        /** @description The program and what is in force; `null` before its config exists. */
        ProgramView: (components["schemas"]["ConfigView"] | null) & {
            /** @description `mainnet-beta`, `testnet`, `devnet`, or `localnet`: any other. */
            cluster: string;
            genesis_hash: string;
            program_id: string;
            seq: components["schemas"]["Seq"];
            slot: components["schemas"]["Slot"];
        };
        /** @description The three fees of a trade. */
        QuoteFees: {
            lp: components["schemas"]["Lamports"];
            protocol: components["schemas"]["Lamports"];
            resolver: components["schemas"]["Lamports"];
            total: components["schemas"]["Lamports"];
        };
        /** @description A quote. */
        QuoteView: {
            /** @description By the program's curve, before fees. */
            cost: components["schemas"]["Lamports"];
            fair_cost?: components["schemas"]["Lamports"] | null;
            /** @description The fees. */
            fees: components["schemas"]["QuoteFees"];
            /** @description The market's account. */
            market_id: components["schemas"]["MarketAddress"];
            /** @description What is traded. */
            outcome: components["schemas"]["Outcome"];
            /** @description The price of YES after it: what the trade's event will say. */
            price_after: components["schemas"]["PriceE9"];
            price_before?: components["schemas"]["PriceE9"] | null;
            /**
             * Format: int64
             * @description By how much the price of the outcome traded moves, in basis points of what it was, rounded up.
             */
            price_impact_bps?: number | null;
            price_per_share?: components["schemas"]["PriceE9"] | null;
            /** @description That entry. */
            seq: components["schemas"]["Seq"];
            /** @description What is really bought, or sold. */
            shares: components["schemas"]["ShareUnits"];
            /** @description The place on the chain of the market's newest entry. */
            slot: components["schemas"]["Slot"];
            /** @description Buy: the budget to offer, which caps what is paid. Sell: the same as `total`. */
            target_cost: components["schemas"]["Lamports"];
            /** @description Buy: paid in all. Sell: received in the end. */
            total: components["schemas"]["Lamports"];
            /** @description Buy or sell. */
            trade_type: components["schemas"]["TradeSide"];
            /** @description Reasons for which the program's curve can't be trusted here. */
            warnings: components["schemas"]["QuoteWarning"][];
        };
        /** @description Why a trade should be looked at twice. */
        QuoteWarning: {
            /** @description For programs. */
            code: string;
            /** @description For people. */
            message: string;
            price_fair?: components["schemas"]["PriceE9"] | null;
            price_program?: components["schemas"]["PriceE9"] | null;
        };
        /**
         * @description A part of something, with four decimals.
         * @example 0.1234
         */
        Ratio: string;
        ReadyView: {
            covered_slot: components["schemas"]["Slot"];
            governance?: components["schemas"]["LeaseStanding"] | null;
            head_slot: components["schemas"]["Slot"];
            /** Format: int64 */
            lag_slots: number;
            lease?: components["schemas"]["LeaseStanding"] | null;
            parts: {
                [key: string]: components["schemas"]["PartState"];
            };
            status: string;
            /** @description Markets in use, and the config: the others rest in the journal. */
            streams: number;
        };
        /** @description A refresh token. */
        RefreshBody: {
            /** @description The newest one of the session. */
            refresh_token: string;
        };
        /** @description A trade in its rehearsal. */
        Rehearsed: {
            /** @description Shares bought or sold. */
            shares: components["schemas"]["ShareUnits"];
            /** @description Buy: paid in all. Sell: received in the end. */
            total: components["schemas"]["Lamports"];
        };
        /** @description Markets near one. */
        RelatedView: {
            count: number;
            /** Format: int32 */
            limit: number;
            markets: components["schemas"]["MarketDetail"][];
        };
        /** @description The account's own counters: what the backend's key reported last. */
        Reported: {
            /** Format: int32 */
            dispute_agree: number;
            /** Format: int32 */
            dispute_disagree: number;
            /** Format: int32 */
            proposal_dislikes: number;
            /** Format: int32 */
            proposal_likes: number;
        };
        /**
         * @description Lengths of candles.
         * @enum {string}
         */
        Resolution: "1m" | "5m" | "15m" | "1h" | "4h" | "1d";
        /** @description What is wanted. */
        ResolveBody: {
            client_ref?: components["schemas"]["ClientRef"] | null;
            /** @description Why: 1 to 2,000 characters after trimming. */
            evidence: string;
            /** @description What has come true. */
            outcome: components["schemas"]["OutcomeArg"];
            /** @description By default none. */
            priority_fee?: components["schemas"]["PriorityFee"];
            /** @description By default 0. */
            version?: components["schemas"]["VersionArg"];
        };
        /** @description A transaction that proposes an outcome. */
        ResolveReply: components["schemas"]["TransactionView"] & {
            /** @description The document: RFC 8785 JSON. */
            document: string;
            /** @description The CIDv0 of the evidence's document. */
            ipfs_evidence_hash: string;
            /** @description The market's account. */
            market_id: components["schemas"]["MarketAddress"];
        };
        /** @description Rules of this server. */
        Rules: {
            /**
             * Format: int64
             * @description Votes on a dispute are taken here for so long after it began.
             */
            dispute_voting_seconds: number;
            /**
             * Format: int64
             * @description What nobody disputes is finalized no sooner after its resolution, nor before the chain's dispute period is over.
             */
            finalization_delay_seconds: number;
            /**
             * Format: int32
             * @description So many votes a proposal needs.
             */
            min_votes: number;
            /** @description Who may vote here: `any`, `min_balance`, `traded` or `onchain`. */
            vote_eligibility: string;
            /** @description Votes that are cast here need the wallet's signature. */
            vote_signatures_required: boolean;
        };
        /** @description What is wanted. */
        SellBody: {
            /** @description The price can't be trusted and is accepted all the same. */
            accept_unsound?: boolean;
            client_ref?: components["schemas"]["ClientRef"] | null;
            /** @description The market. */
            market_id: components["schemas"]["MarketId"];
            /** @description The least to get, after fees: the program itself refuses less. */
            min_proceeds: components["schemas"]["Lamports"];
            /** @description What to sell. */
            outcome: components["schemas"]["OutcomeArg"];
            /** @description By default none. */
            priority_fee?: components["schemas"]["PriorityFee"];
            /** @description How many. */
            shares: components["schemas"]["ShareUnits"];
            /** @description By default 0. */
            version?: components["schemas"]["VersionArg"];
        };
        /** @description What is signed, and what it will do. */
        SellReply: components["schemas"]["TransactionView"] & {
            /** @description `program`: the program itself holds `min_proceeds`. */
            guard: string;
            /** @description What the trade does, by the market as this process knows it. */
            quote: components["schemas"]["QuoteView"];
            rehearsed?: components["schemas"]["Rehearsed"] | null;
        };
        /**
         * Format: int64
         * @description The number of an entry in its market's journal.
         */
        Seq: number;
        /**
         * @description Shares in base units (1 share = 1e9), a decimal string.
         * @example 1000000000
         */
        ShareUnits: string;
        /** @description The ladders of one outcome. */
        SideView: {
            buy: components["schemas"]["LevelView"][];
            outcome: components["schemas"]["Outcome"];
            sell: components["schemas"]["LevelView"][];
        };
        /** @description What a wallet's `signIn` takes, named as wallets name it. */
        SignInInput: {
            address: components["schemas"]["Wallet"];
            chainId: string;
            domain: string;
            /** Format: date-time */
            expirationTime: string;
            /** Format: date-time */
            issuedAt: string;
            nonce: string;
            statement: string;
            uri: string;
            version: string;
        };
        /**
         * Format: int64
         * @description A slot of the chain.
         */
        Slot: number;
        /** @description A page of documents. */
        SnapshotPage: {
            /** @description Rows in this answer. */
            count: number;
            /** Format: int32 */
            limit: number;
            market_id: components["schemas"]["MarketAddress"];
            next_cursor?: string | null;
            /** Format: int32 */
            offset: number;
            snapshots: components["schemas"]["SnapshotView"][];
        };
        /** @description A document. */
        SnapshotView: {
            /** @description Its content id (CIDv0). */
            cid: string;
            /**
             * Format: int32
             * @description Comments in it, deleted ones too.
             */
            comments: number;
            created_at: string;
            /** @description The first of the entries that it tells of. */
            from: components["schemas"]["EntryView"];
            /**
             * Format: int32
             * @description From 1.
             */
            number: number;
            pinned_at?: string | null;
            /** @description That of the document before it. */
            previous_cid?: string | null;
            /** Format: int64 */
            size_bytes: number;
            /** @description `pending`: on its way; `pinned`; `failed`: refused. */
            status: string;
            /** @description The last of them. */
            to: components["schemas"]["EntryView"];
            /** @description Where it can be read, once it is pinned. */
            url?: string | null;
        };
        /** @description Figures of a market; `null`: not counted yet, or nothing was traded. */
        StatsView: {
            /** @description Now less a day ago, with nine decimals. */
            change_24h?: string | null;
            current_liquidity: components["schemas"]["Lamports"];
            high_24h?: components["schemas"]["PriceE9"] | null;
            low_24h?: components["schemas"]["PriceE9"] | null;
            market_id: components["schemas"]["MarketAddress"];
            price_yes?: components["schemas"]["PriceE9"] | null;
            price_yes_24h_ago?: components["schemas"]["PriceE9"] | null;
            seq: components["schemas"]["Seq"];
            slot: components["schemas"]["Slot"];
            total_volume: components["schemas"]["Lamports"];
            /** Format: int64 */
            traders_24h?: number | null;
            /** Format: int64 */
            traders_count: number;
            /** Format: int64 */
            trades_24h?: number | null;
            /** Format: int64 */
            trades_count: number;
            volume_24h?: components["schemas"]["Lamports"] | null;
        };
        /** @description How the transaction is wanted; a body without anything in it, or none, is good too. */
        StepBody: {
            client_ref?: components["schemas"]["ClientRef"] | null;
            /** @description By default none. */
            priority_fee?: components["schemas"]["PriorityFee"];
            /** @description By default 0. */
            version?: components["schemas"]["VersionArg"];
        };
        /** @description A transaction, as its owner sees it: by REST and on the wallet's own channel. */
        SubmissionView: {
            /** @description The client's name for it. */
            client_ref?: string | null;
            /**
             * Format: int64
             * @description Past this block height it can't land any more.
             */
            last_valid_block_height: number;
            /** @description The market's account. */
            market_id: components["schemas"]["MarketAddress"];
            /** @description The program's instruction. */
            purpose: string;
            reason?: components["schemas"]["OrderFailure"] | null;
            /** @description When it was handed in. */
            received_at: string;
            /**
             * Format: uuid
             * @description The request that handed it in, as its answer named it in `x-request-id`.
             */
            request_id?: string | null;
            /** @description Nothing changes that any more. */
            settled: boolean;
            /** @description Its name on the chain. */
            signature: components["schemas"]["TxSignature"];
            slot?: components["schemas"]["Slot"] | null;
            /** @description received, processed, confirmed, finalized, failed or expired. */
            status: string;
            /** @description When its status last changed. */
            updated_at: string;
        };
        /** @description What is handed in. */
        SubmitBody: {
            client_ref?: components["schemas"]["ClientRef"] | null;
            /** @description Signed, base64. */
            transaction: string;
        };
        /** @description What is answered. */
        SubmitReply: {
            /** @description The transaction's name on the chain. */
            signature: components["schemas"]["TxSignature"];
            /** @description `received`, or where it stands if it was handed in before. */
            status: string;
        };
        /**
         * @description A sum of money in lamports, a decimal string.
         * @example 1000000000
         */
        Sum: string;
        /** @description Votes, counted: each wallet once, by its vote on the chain if there is one. */
        TallyView: {
            approval_bps?: components["schemas"]["Bps"] | null;
            /**
             * Format: int32
             * @description Against it.
             */
            dislikes: number;
            /**
             * Format: int32
             * @description In favour: of approving the proposal; of a dispute that the proposed outcome is wrong.
             */
            likes: number;
            /**
             * Format: int32
             * @description Both.
             */
            total: number;
        };
        /** @description The shares of votes that decide, in basis points. */
        ThresholdsView: {
            dispute_success_bps: components["schemas"]["Bps"];
            proposal_approval_bps: components["schemas"]["Bps"];
        };
        /** @description The tokens of a session. */
        TokensView: {
            /**
             * Format: date-time
             * @description When the access token runs out.
             */
            expires_at: string;
            /** @description Good for one refresh. */
            refresh_token: string;
            /** @description The access token, a JWT: `Authorization: Bearer <token>`. */
            token: string;
            /** @description Always `Bearer`. */
            token_type: string;
        };
        /** @description What a wallet did in all. */
        TotalsView: {
            accuracy?: components["schemas"]["Ratio"] | null;
            /**
             * Format: int64
             * @description At most 10,000.
             */
            markets_created: number;
            /** Format: int64 */
            markets_decided: number;
            /** Format: int64 */
            markets_traded: number;
            realized_pnl: components["schemas"]["Profit"];
            /** Format: int64 */
            trades: number;
            volume: components["schemas"]["Sum"];
            /**
             * Format: int64
             * @description A vote here and one on the chain in the same matter are one; at most 10,000.
             */
            votes: number;
        };
        TradePage: {
            /** @description Rows in this answer. */
            count: number;
            /** Format: int32 */
            limit: number;
            /** @description Where the next page begins; null on the last one. */
            next_cursor?: string | null;
            /** Format: int32 */
            offset: number;
            seq: components["schemas"]["Seq"];
            slot: components["schemas"]["Slot"];
            trades: components["schemas"]["TradeView"][];
        };
        /**
         * @description Which way a trade goes.
         * @enum {string}
         */
        TradeSide: "buy" | "sell";
        /**
         * @description How final it is on the chain.
         * @enum {string}
         */
        TradeStatus: "confirmed" | "finalized";
        /**
         * @description Which way.
         * @enum {string}
         */
        TradeType: "buy" | "sell";
        /** @description The trade object. */
        TradeView: {
            block_time: components["schemas"]["Moment"];
            /** @description True: an adopted state contained it already, so no quantity moved when it was recorded. */
            contained?: boolean;
            /** @description Buy: paid in all. Sell: received net. */
            cost: components["schemas"]["Lamports"];
            /** Format: date-time */
            created_at: string;
            fees?: components["schemas"]["Fees"] | null;
            /** @example 5VERv8NMvzbJMEkV8xnrLkEaWRtSz9CosKDYjCJjBRnbJLgp8uirBgmQpjKhoR4tjF3ZpRzrFmBV6UjKdiSZkQUW:0 */
            id: string;
            market_id: components["schemas"]["MarketAddress"];
            outcome: components["schemas"]["Outcome"];
            price_after: components["schemas"]["PriceE9"];
            seq: components["schemas"]["Seq"];
            shares: components["schemas"]["ShareUnits"];
            slot: components["schemas"]["Slot"];
            status: components["schemas"]["TradeStatus"];
            trade_type: components["schemas"]["TradeType"];
            tx_signature: components["schemas"]["TxSignature"];
            user_wallet: components["schemas"]["Wallet"];
        };
        /** @description The audit trail of a market, or the next page of one of its lists. */
        Trail: {
            /** @description Votes in this answer. A page of `decision` may have fewer than there is room for, and is not the last. */
            count: number;
            /** @description Every attempt of this engine, and everything that authorities did past it, oldest first; `null` in a page of votes. */
            decisions?: components["schemas"]["DecisionView"][] | null;
            /** @description Where the next page of decisions begins; `null` on the last one. */
            decisions_next_cursor?: string | null;
            epoch: components["schemas"]["Epoch"];
            /** Format: int32 */
            limit: number;
            /** @description The market as its newest entry leaves it. */
            market: components["schemas"]["GovernedMarket"];
            /** @description Where the next page of votes begins; `null` on the last one. */
            next_cursor?: string | null;
            /** @description The program that owns the market's account. */
            program_id: components["schemas"]["ProgramId"];
            /** @description This server's own rules, which the program does not know. */
            rules: components["schemas"]["Rules"];
            seq: components["schemas"]["Seq"];
            slot: components["schemas"]["Slot"];
            thresholds?: components["schemas"]["InForce"] | null;
            /** @description Every vote, in the order of its entry; with `decision`, those that it counted. `null` in a page of decisions. */
            votes?: components["schemas"]["TrailVoteView"][] | null;
        };
        /** @description A vote, whether it was counted, and what proves it. */
        TrailVoteView: components["schemas"]["VoteView"] & {
            /** @description By the newest decision of its kind, or, where there is none yet, as one would count it now. */
            counted: boolean;
            epoch: components["schemas"]["Epoch"];
            /**
             * @description `overridden`: the wallet voted on the chain, too, and that vote counts. `after_decision`: it came when the tally of the
             *     decision was closed. `after_window`: it came on the chain when the window for votes on the dispute was over.
             */
            not_counted?: string | null;
            overridden_by?: components["schemas"]["Seq"] | null;
            seq: components["schemas"]["Seq"];
            /** @description Exactly what `signature` is over; `null` without one: such a vote rests on this server's word. */
            signed_text?: string | null;
            /** @description Its own, of a vote on the chain; else the one that the market's journal had reached. */
            slot: components["schemas"]["Slot"];
            vote_record?: components["schemas"]["AccountAddress"] | null;
        };
        /** @description A transaction to sign: the part that all replies have. */
        TransactionView: {
            /** @description Its name for `POST /api/transactions`: one intent lands once. */
            client_ref: string;
            /**
             * Format: int32
             * @description Compute units that it may use: a fifth more than its rehearsal did.
             */
            compute_units: number;
            /** @description About when that is, RFC 3339. */
            expires_at: string;
            /**
             * Format: int64
             * @description The last block height at which it can land.
             */
            last_valid_block_height: number;
            /** @description What is signed, base64. */
            message: string;
            /**
             * Format: int64
             * @description What it pays for each of them on top of the base fee, in micro-lamports.
             */
            priority_fee_micro_lamports: number;
            /** @description The transaction with an empty place for the signature, base64. */
            transaction: string;
        };
        /** @description A market that is traded just now. */
        TrendingMarket: {
            change24h?: components["schemas"]["Decimals"] | null;
            id: components["schemas"]["MarketAddress"];
            question?: string | null;
            /** @description 0.6 x volume24h + 0.4 x uniqueTraders. */
            trendingScore: components["schemas"]["Decimals"];
            /**
             * Format: int64
             * @description In 24 hours.
             */
            uniqueTraders: number;
            /** @description SOL. */
            volume24h: components["schemas"]["Decimals"];
            yesPrice?: components["schemas"]["Decimals"] | null;
        };
        /** @description The highest score first. */
        TrendingView: {
            trending: components["schemas"]["TrendingMarket"][];
        };
        /**
         * @description A transaction's signature, base58.
         * @example 5VERv8NMvzbJMEkV8xnrLkEaWRtSz9CosKDYjCJjBRnbJLgp8uirBgmQpjKhoR4tjF3ZpRzrFmBV6UjKdiSZkQUW
         */
        TxSignature: string;
        /** @description A profile. */
        UserView: {
            /** @description A picture's address. */
            avatar_url?: string | null;
            /** @description What the user says of himself or herself. */
            bio?: string | null;
            /**
             * Format: date-time
             * @description Of the first sign-in.
             */
            created_at: string;
            /** @description As the user wishes to be called. */
            display_name?: string | null;
            /**
             * Format: uuid
             * @description UUIDv5 of the wallet.
             */
            id: string;
            /**
             * Format: date-time
             * @description Of the last change.
             */
            updated_at: string;
            /** @description The wallet. */
            wallet: components["schemas"]["Wallet"];
        };
        VersionArg: string | number;
        /** @description A vote. */
        VoteBody: {
            /** @description The market: its account address, or its seed. */
            market_id: string;
            signature?: components["schemas"]["TxSignature"] | null;
            /** @description Proposal: true to approve. Dispute: true if the proposed outcome is wrong. */
            vote: boolean;
        };
        /** @description Votes, newest first. */
        VotePage: {
            count: number;
            /** Format: int32 */
            limit: number;
            next_cursor?: string | null;
            /** Format: int32 */
            offset: number;
            seq: components["schemas"]["Seq"];
            slot: components["schemas"]["Slot"];
            votes: components["schemas"]["ListedVote"][];
        };
        /** @description What was counted. */
        VoteReply: {
            /** @description What is counted with it. */
            tally: components["schemas"]["MeasuredTally"];
            /** @description The vote. */
            vote: boolean;
        };
        /**
         * @description Where a vote was cast.
         * @enum {string}
         */
        VoteSourceView: "onchain" | "offchain";
        /** @description A vote. */
        VoteView: {
            /** @description An adopted state contained it already. */
            contained?: boolean;
            signature?: components["schemas"]["TxSignature"] | null;
            /** @description Where it was cast. */
            source: components["schemas"]["VoteSourceView"];
            tally?: components["schemas"]["TallyView"] | null;
            tx_signature?: components["schemas"]["TxSignature"] | null;
            /** @description Whose. */
            user_wallet: components["schemas"]["Wallet"];
            /** @description Which way. */
            vote: boolean;
            /** @description `proposal` or `dispute`. */
            vote_type: string;
            /** @description When, by the chain's clock or by the engine's. */
            voted_at: string;
        };
        /**
         * @description A wallet's address, base58.
         * @example GthTyfd3EV9Y8wN6zhZeES5PgT2jQVzLrZizfZquAY5S
         */
        Wallet: string;
        /** @description A wallet's profile. What it says of itself is `null` until it signs in and says it. */
        WalletProfileView: {
            avatar_url?: string | null;
            bio?: string | null;
            /**
             * Format: date-time
             * @description When it first signed in.
             */
            created_at?: string | null;
            display_name?: string | null;
            totals: components["schemas"]["TotalsView"];
            wallet: components["schemas"]["Wallet"];
        };
        /** @description A page of a wallet's trades. */
        WalletTradePage_OwnTradeView: {
            count: number;
            /** Format: int32 */
            limit: number;
            next_cursor?: string | null;
            /** Format: int32 */
            offset: number;
            trades: (components["schemas"]["TradeView"] & {
                /** @description What the wallet named the intent when it built or sent the transaction here; `null` for any other trade. */
                client_ref?: string | null;
            })[];
        };
        /** @description A page of a wallet's trades. */
        WalletTradePage_TradeView: {
            count: number;
            /** Format: int32 */
            limit: number;
            next_cursor?: string | null;
            /** Format: int32 */
            offset: number;
            trades: {
                block_time: components["schemas"]["Moment"];
                /** @description True: an adopted state contained it already, so no quantity moved when it was recorded. */
                contained?: boolean;
                /** @description Buy: paid in all. Sell: received net. */
                cost: components["schemas"]["Lamports"];
                /** Format: date-time */
                created_at: string;
                fees?: components["schemas"]["Fees"] | null;
                /** @example 5VERv8NMvzbJMEkV8xnrLkEaWRtSz9CosKDYjCJjBRnbJLgp8uirBgmQpjKhoR4tjF3ZpRzrFmBV6UjKdiSZkQUW:0 */
                id: string;
                market_id: components["schemas"]["MarketAddress"];
                outcome: components["schemas"]["Outcome"];
                price_after: components["schemas"]["PriceE9"];
                seq: components["schemas"]["Seq"];
                shares: components["schemas"]["ShareUnits"];
                slot: components["schemas"]["Slot"];
                status: components["schemas"]["TradeStatus"];
                trade_type: components["schemas"]["TradeType"];
                tx_signature: components["schemas"]["TxSignature"];
                user_wallet: components["schemas"]["Wallet"];
            }[];
        };
        /** @description A page of a wallet's votes. */
        WalletVotePage: {
            count: number;
            /** Format: int32 */
            limit: number;
            next_cursor?: string | null;
            /** Format: int32 */
            offset: number;
            votes: components["schemas"]["WalletVoteView"][];
        };
        /** @description A vote of a wallet. */
        WalletVoteView: {
            market_id: components["schemas"]["MarketAddress"];
            /** @description The wallet's signature over the vote, if it gave one. */
            signature?: string | null;
            source: components["schemas"]["VoteSourceView"];
            /** @description Of a vote on the chain. */
            tx_signature?: string | null;
            vote: boolean;
            /** @description `proposal` or `dispute`. */
            vote_type: string;
            /**
             * Format: date-time
             * @description When it was cast; of one on the chain, when it was recorded here.
             */
            voted_at: string;
        };
        /** @description Something that a reader of a market should know before he trusts its figures. */
        Warning: {
            /** @description For programs. */
            code: components["schemas"]["WarningCode"];
            /** @description For people. */
            message: string;
        };
        /**
         * @description What a warning is about.
         * @enum {string}
         */
        WarningCode: "STALE" | "BELOW_MINIMUM_B" | "LEAD_BEYOND_CURVE" | "PRICE_FALLS" | "PRICE_DIVERGENCE" | "UNSOUND_CURVE" | "NO_METADATA";
    };
    responses: {
        /** @description VALIDATION_ERROR: refused; `details` names each field and why. */
        BadRequest: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorBody"];
            };
        };
        /** @description CONFLICT: it contradicts what is there already. */
        Conflict: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorBody"];
            };
        };
        /** @description FORBIDDEN: signed in, but not allowed to do this. */
        Forbidden: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorBody"];
            };
        };
        /** @description INTERNAL: a fault of the server; tell us the request_id. */
        Internal: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorBody"];
            };
        };
        /** @description METHOD_NOT_ALLOWED: the header Allow names the methods. */
        MethodNotAllowed: {
            headers: {
                /** @description The methods of this path. */
                Allow?: string;
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorBody"];
            };
        };
        /** @description NOT_FOUND: there is no such thing. */
        NotFound: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorBody"];
            };
        };
        /** @description PAYLOAD_TOO_LARGE: the body is larger than 64 KiB. */
        PayloadTooLarge: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorBody"];
            };
        };
        /** @description RATE_LIMITED: too many requests; come again after Retry-After seconds. */
        RateLimited: {
            headers: {
                /** @description Seconds until it may be tried again. */
                "Retry-After"?: number;
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorBody"];
            };
        };
        /** @description TIMEOUT: it took too long. */
        Timeout: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorBody"];
            };
        };
        /** @description UNAUTHORIZED: no token where one is needed, or one that is not good (any more). */
        Unauthorized: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorBody"];
            };
        };
        /** @description UNAVAILABLE: a part does not answer now. STALE: too far behind the chain. See Retry-After. */
        Unavailable: {
            headers: {
                /** @description Seconds until it may be tried again. */
                "Retry-After"?: number;
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorBody"];
            };
        };
        /** @description CHAIN_REFUSED: the program would refuse it. IDEMPOTENCY_MISMATCH: same key, other body. */
        Unprocessable: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorBody"];
            };
        };
        /** @description UNSUPPORTED_MEDIA_TYPE: the body must be application/json. */
        UnsupportedMediaType: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorBody"];
            };
        };
    };
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    get_actions_json: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Which links are Actions. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ActionRules"];
                };
            };
            400: components["responses"]["BadRequest"];
            413: components["responses"]["PayloadTooLarge"];
            500: components["responses"]["Internal"];
        };
    };
    get_actions_icon_svg: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A picture. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "image/svg+xml": string;
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            413: components["responses"]["PayloadTooLarge"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
            504: components["responses"]["Timeout"];
        };
    };
    get_actions_markets_market: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The market's address or seed. */
                market: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The market as an Action. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ActionView"];
                };
            };
            /** @description VALIDATION_ERROR */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            401: components["responses"]["Unauthorized"];
            /** @description NOT_FOUND */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            413: components["responses"]["PayloadTooLarge"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            /** @description UNAVAILABLE */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description TIMEOUT */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    post_actions_markets_market: {
        parameters: {
            query: {
                /** @description SOL to spend, fees included: digits with up to nine more behind a point. */
                amount: string;
                /** @description YES, NO, true or false. */
                outcome: string;
            };
            header?: never;
            path: {
                /** @description The market's address or seed. */
                market: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ActionBody"];
            };
        };
        responses: {
            /** @description A transaction to sign. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ActionReply"];
                };
            };
            /** @description VALIDATION_ERROR */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            401: components["responses"]["Unauthorized"];
            /** @description NOT_FOUND */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description PAYLOAD_TOO_LARGE */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description UNSUPPORTED_MEDIA_TYPE */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description CHAIN_REFUSED: the program would refuse it */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description RATE_LIMITED */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            500: components["responses"]["Internal"];
            /** @description UNAVAILABLE */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description TIMEOUT */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    post_auth_login: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["LoginBody"];
            };
        };
        responses: {
            /** @description As asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LoginView"];
                };
            };
            /** @description VALIDATION_ERROR */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description UNAUTHORIZED: not signed by the wallet, or not the message that was issued */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description PAYLOAD_TOO_LARGE */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description UNSUPPORTED_MEDIA_TYPE */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            /** @description UNAVAILABLE */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description TIMEOUT */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    post_auth_logout: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The session has ended: no token of it is taken any more. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["BadRequest"];
            /** @description UNAUTHORIZED */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            413: components["responses"]["PayloadTooLarge"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            /** @description UNAVAILABLE */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description TIMEOUT */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    post_auth_nonce: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NonceBody"];
            };
        };
        responses: {
            /** @description As asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NonceView"];
                };
            };
            /** @description VALIDATION_ERROR */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            401: components["responses"]["Unauthorized"];
            /** @description PAYLOAD_TOO_LARGE */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description UNSUPPORTED_MEDIA_TYPE */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            /** @description UNAVAILABLE */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description TIMEOUT */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    post_auth_refresh: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RefreshBody"];
            };
        };
        responses: {
            /** @description As asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TokensView"];
                };
            };
            /** @description VALIDATION_ERROR */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description UNAUTHORIZED: unknown, used before, or its session has ended */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description PAYLOAD_TOO_LARGE */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description UNSUPPORTED_MEDIA_TYPE */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            /** @description UNAVAILABLE */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description TIMEOUT */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_config: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ProgramView"];
                };
            };
            /** @description Not modified */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            413: components["responses"]["PayloadTooLarge"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            /** @description UNAVAILABLE */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description TIMEOUT */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    post_discussions: {
        parameters: {
            query?: never;
            header?: {
                /** @description The client's name for this request. */
                "Idempotency-Key"?: string | null;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["MarketCommentBody"];
            };
        };
        responses: {
            /** @description As asked for. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CommentView"];
                };
            };
            /** @description A field was refused. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description No such market. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The first request of this key is being worked on. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            413: components["responses"]["PayloadTooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            /** @description The key was used for another request. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Too many requests. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            500: components["responses"]["Internal"];
            /** @description Not available now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description It took too long. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_discussions_market: {
        parameters: {
            query?: {
                /** @description next_cursor of the page before. */
                cursor?: string;
                /** @description Rows of a page, 20 if left out. */
                limit?: number;
                /** @description Rows left out. */
                offset?: number;
            };
            header?: never;
            path: {
                /** @description A market's address or seed. */
                market: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CommentPage"];
                };
            };
            /** @description Not modified. */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description A field was refused. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            401: components["responses"]["Unauthorized"];
            /** @description No such market. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            413: components["responses"]["PayloadTooLarge"];
            /** @description Too many requests. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            500: components["responses"]["Internal"];
            /** @description Not available now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description It took too long. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    post_discussions_market: {
        parameters: {
            query?: never;
            header?: {
                /** @description The client's name for this request. */
                "Idempotency-Key"?: string | null;
            };
            path: {
                /** @description A market's address or seed. */
                market: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CommentBody"];
            };
        };
        responses: {
            /** @description As asked for. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CommentView"];
                };
            };
            /** @description A field was refused. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description No such market. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The first request of this key is being worked on. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            413: components["responses"]["PayloadTooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            /** @description The key was used for another request. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Too many requests. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            500: components["responses"]["Internal"];
            /** @description Not available now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description It took too long. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    delete_discussions_market: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Here the comment's id: the path is shared with a market's comments. */
                market: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is deleted. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["BadRequest"];
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The caller has no such comment. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            413: components["responses"]["PayloadTooLarge"];
            /** @description Too many requests. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            500: components["responses"]["Internal"];
            /** @description Not available now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description It took too long. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_events_latest: {
        parameters: {
            query?: {
                /** @description A next_cursor of this list, without market_id */
                cursor?: string;
                limit?: number;
                /** @description Account address or seed; all streams if not given */
                market_id?: string;
                /** @description The newest seq that you have (with market_id), or milliseconds since 1970 */
                since?: number;
                /** @description Types of frames, separated by commas */
                types?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description {events, count, next_since, next_cursor} */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, never>;
                };
            };
            /** @description Not modified */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description VALIDATION_ERROR */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            401: components["responses"]["Unauthorized"];
            /** @description NOT_FOUND */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            413: components["responses"]["PayloadTooLarge"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            /** @description UNAVAILABLE */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description TIMEOUT */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_export_trades_csv: {
        parameters: {
            query?: {
                /** @description RFC 3339 or seconds since 1970 */
                from?: string;
                /** @description Account address */
                market?: string;
                /** @description RFC 3339 or seconds since 1970 */
                to?: string;
                /** @description Of this wallet */
                wallet?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A line a trade */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/csv": string;
                };
            };
            /** @description VALIDATION_ERROR */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            401: components["responses"]["Unauthorized"];
            413: components["responses"]["PayloadTooLarge"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            /** @description UNAVAILABLE */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            504: components["responses"]["Timeout"];
        };
    };
    get_export_trades_ndjson: {
        parameters: {
            query?: {
                /** @description RFC 3339 or seconds since 1970 */
                from?: string;
                /** @description Account address */
                market?: string;
                /** @description RFC 3339 or seconds since 1970 */
                to?: string;
                /** @description Of this wallet */
                wallet?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A line a trade */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/x-ndjson": string;
                };
            };
            /** @description VALIDATION_ERROR */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            401: components["responses"]["Unauthorized"];
            413: components["responses"]["PayloadTooLarge"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            /** @description UNAVAILABLE */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            504: components["responses"]["Timeout"];
        };
    };
    get_leaderboard: {
        parameters: {
            query?: {
                /** @description profit (if not given), volume or accuracy. */
                by?: string;
                /** @description A next_cursor of the same ranking and window. */
                cursor?: string;
                /** @description Most rows, 1 to 100; 20 if not given. */
                limit?: number;
                /** @description Rows to skip. */
                offset?: number;
                /** @description 24h, 7d, 30d or all (if not given). */
                window?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LeaderboardPage"];
                };
            };
            /** @description Not changed (If-None-Match). */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description A field was refused. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            401: components["responses"]["Unauthorized"];
            413: components["responses"]["PayloadTooLarge"];
            /** @description Too many requests. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            500: components["responses"]["Internal"];
            /** @description The database does not answer; Retry-After. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description It took too long. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_markets: {
        parameters: {
            query?: {
                /** @description Of this category. */
                category?: string;
                /** @description Of this wallet. */
                creator?: string;
                /** @description Where the page begins: `next_cursor` of the page before, unchanged. */
                cursor?: string;
                /** @description RFC 3339. */
                ending_before?: string;
                /** @description Rows in the answer. */
                limit?: number;
                /** @description Without the first so many, for old clients. */
                offset?: number;
                /** @description asc or desc; desc if not given, asc for sort=ending. */
                order?: string;
                /** @description Words of question, description or tags. */
                search?: string;
                /** @description created_at (the default), volume, volume_24h, liquidity, price_yes or ending. */
                sort?: string;
                /**
                 * @description States, names or numbers (0 to 6), separated by commas.
                 * @example ACTIVE,RESOLVING
                 */
                state?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MarketPage"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            413: components["responses"]["PayloadTooLarge"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
            504: components["responses"]["Timeout"];
        };
    };
    post_markets: {
        parameters: {
            query?: never;
            header?: {
                /** @description The client's own name for this request. */
                "Idempotency-Key"?: string | null;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CreateBody"];
            };
        };
        responses: {
            /** @description A transaction to sign. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CreateReply"];
                };
            };
            /** @description VALIDATION_ERROR */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description UNAUTHORIZED */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description CONFLICT: the first request of this Idempotency-Key is still being worked on */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description PAYLOAD_TOO_LARGE */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description UNSUPPORTED_MEDIA_TYPE */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description CHAIN_REFUSED: the program would refuse it; or IDEMPOTENCY_MISMATCH */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description RATE_LIMITED */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            500: components["responses"]["Internal"];
            /** @description UNAVAILABLE */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description TIMEOUT */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_markets_market: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The market's account address (base58) or its seed (64 hexadecimal digits). */
                market: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MarketDetail"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            404: components["responses"]["NotFound"];
            413: components["responses"]["PayloadTooLarge"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
            504: components["responses"]["Timeout"];
        };
    };
    post_markets_market_activate: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The market's address or seed. */
                market: string;
            };
            cookie?: never;
        };
        /** @description May be left out. */
        requestBody: {
            content: {
                "application/json": components["schemas"]["StepBody"];
            };
        };
        responses: {
            /** @description A transaction to sign. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TransactionView"] & {
                        /** @description The market's account. */
                        market_id: components["schemas"]["MarketAddress"];
                    };
                };
            };
            /** @description VALIDATION_ERROR */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description UNAUTHORIZED */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description NOT_FOUND */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description PAYLOAD_TOO_LARGE */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description UNSUPPORTED_MEDIA_TYPE */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description CHAIN_REFUSED: the program would refuse it */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description RATE_LIMITED */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            500: components["responses"]["Internal"];
            /** @description UNAVAILABLE */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description TIMEOUT */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_markets_market_candles: {
        parameters: {
            query?: {
                /** @description RFC 3339 or seconds since 1970; limit buckets before `to` if not given */
                from?: string;
                limit?: number;
                /** @description 1m, 5m, 15m, 1h (default), 4h, 1d */
                resolution?: string;
                /** @description RFC 3339 or seconds since 1970; now if not given */
                to?: string;
            };
            header?: never;
            path: {
                /** @description Account address or seed */
                market: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CandlesView"];
                };
            };
            /** @description Not modified */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description VALIDATION_ERROR */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            401: components["responses"]["Unauthorized"];
            /** @description NOT_FOUND */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            413: components["responses"]["PayloadTooLarge"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            /** @description UNAVAILABLE */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description TIMEOUT */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    post_markets_market_claim: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The market's address or seed. */
                market: string;
            };
            cookie?: never;
        };
        /** @description May be left out. */
        requestBody: {
            content: {
                "application/json": components["schemas"]["StepBody"];
            };
        };
        responses: {
            /** @description A transaction to sign. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TransactionView"] & {
                        /** @description The market's account. */
                        market_id: components["schemas"]["MarketAddress"];
                    };
                };
            };
            /** @description VALIDATION_ERROR */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description UNAUTHORIZED */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description NOT_FOUND */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description PAYLOAD_TOO_LARGE */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description UNSUPPORTED_MEDIA_TYPE */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description CHAIN_REFUSED: the program would refuse it */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description RATE_LIMITED */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            500: components["responses"]["Internal"];
            /** @description UNAVAILABLE */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description TIMEOUT */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_markets_market_depth: {
        parameters: {
            query?: {
                levels?: number;
            };
            header?: never;
            path: {
                /** @description Account address or seed */
                market: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DepthView"];
                };
            };
            /** @description Not modified */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description VALIDATION_ERROR */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            401: components["responses"]["Unauthorized"];
            /** @description NOT_FOUND */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            413: components["responses"]["PayloadTooLarge"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            /** @description UNAVAILABLE */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description TIMEOUT */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_markets_market_discussions: {
        parameters: {
            query?: {
                /** @description next_cursor of the page before. */
                cursor?: string;
                /** @description Rows of a page, 20 if left out. */
                limit?: number;
                /** @description Rows left out. */
                offset?: number;
            };
            header?: never;
            path: {
                /** @description A market's address or seed. */
                market: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CommentPage"];
                };
            };
            /** @description Not modified. */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description A field was refused. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            401: components["responses"]["Unauthorized"];
            /** @description No such market. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            413: components["responses"]["PayloadTooLarge"];
            /** @description Too many requests. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            500: components["responses"]["Internal"];
            /** @description Not available now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description It took too long. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    post_markets_market_dispute: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The market's address or seed. */
                market: string;
            };
            cookie?: never;
        };
        /** @description May be left out. */
        requestBody: {
            content: {
                "application/json": components["schemas"]["StepBody"];
            };
        };
        responses: {
            /** @description A transaction to sign. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TransactionView"] & {
                        /** @description The market's account. */
                        market_id: components["schemas"]["MarketAddress"];
                    };
                };
            };
            /** @description VALIDATION_ERROR */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description UNAUTHORIZED */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description NOT_FOUND */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description PAYLOAD_TOO_LARGE */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description UNSUPPORTED_MEDIA_TYPE */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description CHAIN_REFUSED: the program would refuse it */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description RATE_LIMITED */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            500: components["responses"]["Internal"];
            /** @description UNAVAILABLE */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description TIMEOUT */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_markets_market_governance: {
        parameters: {
            query?: {
                /** @description next_cursor of the page before: the next votes alone. */
                cursor?: string;
                /** @description The id of a decision of this engine: exactly the votes that it counted. */
                decision?: number;
                /** @description decisions_next_cursor of the page before: the next decisions alone. */
                decisions_cursor?: string;
                /** @description Rows of each list, 100 if left out. */
                limit?: number;
                /** @description Votes of one kind. */
                type?: string;
            };
            header?: never;
            path: {
                /** @description The market's account address (base58) or its seed (64 hexadecimal digits). */
                market: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Trail"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            404: components["responses"]["NotFound"];
            413: components["responses"]["PayloadTooLarge"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
            504: components["responses"]["Timeout"];
        };
    };
    get_markets_market_holders: {
        parameters: {
            query?: {
                /** @description A next_cursor of this list */
                cursor?: string;
                limit?: number;
                offset?: number;
            };
            header?: never;
            path: {
                /** @description Account address or seed */
                market: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HolderPage"];
                };
            };
            /** @description Not modified */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description VALIDATION_ERROR */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            401: components["responses"]["Unauthorized"];
            /** @description NOT_FOUND */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            413: components["responses"]["PayloadTooLarge"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            /** @description UNAVAILABLE */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description TIMEOUT */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    put_markets_market_metadata: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A market's address or seed. */
                market: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["MetadataBody"];
            };
        };
        responses: {
            /** @description As asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MetadataReply"];
                };
            };
            /** @description A field was refused. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Not the market's creator. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description No such market. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Its CID is not the chain's. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            413: components["responses"]["PayloadTooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            /** @description Too many requests. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            500: components["responses"]["Internal"];
            /** @description Not available now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description It took too long. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_markets_market_price_history: {
        parameters: {
            query?: {
                /** @description RFC 3339 or seconds since 1970; the market's creation if not given */
                from?: string;
                /** @description Instead: 1m, 5m, 15m, 1h, 4h or 1d between two */
                interval?: string;
                /** @description How many, evenly spread */
                points?: number;
                /** @description RFC 3339 or seconds since 1970; now if not given */
                to?: string;
            };
            header?: never;
            path: {
                /** @description Account address or seed */
                market: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PricePoint"][];
                };
            };
            /** @description Not modified */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description VALIDATION_ERROR */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            401: components["responses"]["Unauthorized"];
            /** @description NOT_FOUND */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            413: components["responses"]["PayloadTooLarge"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            /** @description UNAVAILABLE */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description TIMEOUT */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_markets_market_prices: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The market's account address (base58) or its seed (64 hexadecimal digits). */
                market: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PricesView"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            404: components["responses"]["NotFound"];
            413: components["responses"]["PayloadTooLarge"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
            504: components["responses"]["Timeout"];
        };
    };
    get_markets_market_related: {
        parameters: {
            query?: {
                limit?: number;
            };
            header?: never;
            path: {
                /** @description Account address or seed */
                market: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RelatedView"];
                };
            };
            /** @description Not modified */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description VALIDATION_ERROR */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            401: components["responses"]["Unauthorized"];
            /** @description NOT_FOUND */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            413: components["responses"]["PayloadTooLarge"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            /** @description UNAVAILABLE */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description TIMEOUT */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    post_markets_market_resolve: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The market's address or seed. */
                market: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ResolveBody"];
            };
        };
        responses: {
            /** @description A transaction to sign. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ResolveReply"];
                };
            };
            /** @description VALIDATION_ERROR */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description UNAUTHORIZED */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description NOT_FOUND */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description PAYLOAD_TOO_LARGE */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description UNSUPPORTED_MEDIA_TYPE */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description CHAIN_REFUSED: the program would refuse it */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description RATE_LIMITED */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            500: components["responses"]["Internal"];
            /** @description UNAVAILABLE */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description TIMEOUT */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_markets_market_snapshots: {
        parameters: {
            query?: {
                /** @description A next_cursor of this list */
                cursor?: string;
                limit?: number;
                offset?: number;
            };
            header?: never;
            path: {
                /** @description Account address or seed */
                market: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SnapshotPage"];
                };
            };
            /** @description Not modified */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description VALIDATION_ERROR */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            401: components["responses"]["Unauthorized"];
            /** @description NOT_FOUND */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            413: components["responses"]["PayloadTooLarge"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            /** @description UNAVAILABLE */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description TIMEOUT */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_markets_market_stats: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Account address or seed */
                market: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StatsView"];
                };
            };
            /** @description Not modified */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description VALIDATION_ERROR */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            401: components["responses"]["Unauthorized"];
            /** @description NOT_FOUND */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            413: components["responses"]["PayloadTooLarge"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            /** @description UNAVAILABLE */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description TIMEOUT */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_markets_market_trades: {
        parameters: {
            query?: {
                /** @description Where the page begins: `next_cursor` of the page before, unchanged. */
                cursor?: string;
                /** @description Rows in the answer. */
                limit?: number;
                /** @description Without the first so many, for old clients. */
                offset?: number;
            };
            header?: never;
            path: {
                /** @description The market's account address (base58) or its seed (64 hexadecimal digits). */
                market: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TradePage"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            404: components["responses"]["NotFound"];
            413: components["responses"]["PayloadTooLarge"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
            504: components["responses"]["Timeout"];
        };
    };
    get_markets_market_votes: {
        parameters: {
            query?: {
                /** @description next_cursor of the page before. */
                cursor?: string;
                /** @description Rows of a page, 20 if left out. */
                limit?: number;
                /** @description Rows left out. */
                offset?: number;
                /** @description proposal or dispute; both if left out. */
                type?: string;
            };
            header?: never;
            path: {
                /** @description A market's address or seed. */
                market: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["VotePage"];
                };
            };
            /** @description Not modified. */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description A field was refused. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            401: components["responses"]["Unauthorized"];
            /** @description No such market. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            413: components["responses"]["PayloadTooLarge"];
            /** @description Too many requests. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            500: components["responses"]["Internal"];
            /** @description Not available now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description It took too long. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    post_markets_market_withdraw: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The market's address or seed. */
                market: string;
            };
            cookie?: never;
        };
        /** @description May be left out. */
        requestBody: {
            content: {
                "application/json": components["schemas"]["StepBody"];
            };
        };
        responses: {
            /** @description A transaction to sign. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TransactionView"] & {
                        /** @description The market's account. */
                        market_id: components["schemas"]["MarketAddress"];
                    };
                };
            };
            /** @description VALIDATION_ERROR */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description UNAUTHORIZED */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description NOT_FOUND */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description PAYLOAD_TOO_LARGE */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description UNSUPPORTED_MEDIA_TYPE */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description CHAIN_REFUSED: the program would refuse it */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description RATE_LIMITED */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            500: components["responses"]["Internal"];
            /** @description UNAVAILABLE */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description TIMEOUT */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_markets_activity: {
        parameters: {
            query?: {
                /** @description A next_cursor of this list */
                cursor?: string;
                limit?: number;
                offset?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ActivityPage"];
                };
            };
            /** @description Not modified */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description VALIDATION_ERROR */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            401: components["responses"]["Unauthorized"];
            413: components["responses"]["PayloadTooLarge"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            /** @description UNAVAILABLE */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description TIMEOUT */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_markets_categories: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CategoriesView"];
                };
            };
            /** @description Not modified */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            413: components["responses"]["PayloadTooLarge"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            /** @description UNAVAILABLE */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description TIMEOUT */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_markets_trending: {
        parameters: {
            query?: {
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TrendingView"];
                };
            };
            /** @description Not modified */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description VALIDATION_ERROR */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            401: components["responses"]["Unauthorized"];
            413: components["responses"]["PayloadTooLarge"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            /** @description UNAVAILABLE */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description TIMEOUT */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    post_trades_buy: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["BuyBody"];
            };
        };
        responses: {
            /** @description A transaction to sign. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BuyReply"];
                };
            };
            /** @description VALIDATION_ERROR */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description UNAUTHORIZED */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description NOT_FOUND */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description PAYLOAD_TOO_LARGE */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description UNSUPPORTED_MEDIA_TYPE */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description CHAIN_REFUSED: the program would refuse it, or a bound of the caller's is broken */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description RATE_LIMITED */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            500: components["responses"]["Internal"];
            /** @description UNAVAILABLE */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description TIMEOUT */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_trades_estimate: {
        parameters: {
            query: {
                /** @description The market's address or seed. */
                market_id: string;
                /** @description YES, NO, true or false. */
                outcome: string;
                /** @description Share units: bought at least, or sold. */
                shares?: string;
                /** @description Lamports to offer for a buy, instead of shares. */
                spend?: string;
                /** @description buy or sell. */
                trade_type: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["QuoteView"];
                };
            };
            /** @description Not modified */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            404: components["responses"]["NotFound"];
            413: components["responses"]["PayloadTooLarge"];
            422: components["responses"]["Unprocessable"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
            504: components["responses"]["Timeout"];
        };
    };
    get_trades_history: {
        parameters: {
            query?: {
                /** @description A next_cursor of this list. */
                cursor?: string;
                /** @description Most rows, 1 to 100; 20 if not given. */
                limit?: number;
                /** @description Rows to skip. */
                offset?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WalletTradePage_OwnTradeView"];
                };
            };
            /** @description Not changed (If-None-Match). */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description A field was refused. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            413: components["responses"]["PayloadTooLarge"];
            /** @description Too many requests. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            500: components["responses"]["Internal"];
            /** @description The database does not answer; Retry-After. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description It took too long. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_trades_quote: {
        parameters: {
            query: {
                /** @description The market's address or seed. */
                market_id: string;
                /** @description YES, NO, true or false. */
                outcome: string;
                /** @description Share units: bought at least, or sold. */
                shares?: string;
                /** @description Lamports to offer for a buy, instead of shares. */
                spend?: string;
                /** @description buy or sell. */
                trade_type: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["QuoteView"];
                };
            };
            /** @description Not modified */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            404: components["responses"]["NotFound"];
            413: components["responses"]["PayloadTooLarge"];
            422: components["responses"]["Unprocessable"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
            504: components["responses"]["Timeout"];
        };
    };
    post_trades_sell: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SellBody"];
            };
        };
        responses: {
            /** @description A transaction to sign. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SellReply"];
                };
            };
            /** @description VALIDATION_ERROR */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description UNAUTHORIZED */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description NOT_FOUND */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description PAYLOAD_TOO_LARGE */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description UNSUPPORTED_MEDIA_TYPE */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description CHAIN_REFUSED: the program would refuse it */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description RATE_LIMITED */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            500: components["responses"]["Internal"];
            /** @description UNAVAILABLE */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description TIMEOUT */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    post_transactions: {
        parameters: {
            query?: never;
            header?: {
                /** @description The client's own name for this request. */
                "Idempotency-Key"?: string | null;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SubmitBody"];
            };
        };
        responses: {
            /** @description It is durable, and being sent. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SubmitReply"];
                };
            };
            /** @description VALIDATION_ERROR: it is not as it was built, or not signed by the caller */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description UNAUTHORIZED */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description NOT_FOUND */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description CONFLICT: another transaction of this intent may land or has landed: `signature` */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description PAYLOAD_TOO_LARGE */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description UNSUPPORTED_MEDIA_TYPE */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description CHAIN_REFUSED: it can't land any more; or IDEMPOTENCY_MISMATCH */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description RATE_LIMITED: too many of the caller's are on their way */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            500: components["responses"]["Internal"];
            /** @description UNAVAILABLE */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description TIMEOUT */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_transactions_signature: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The transaction's signature, base58. */
                signature: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The transaction. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SubmissionView"];
                };
            };
            /** @description VALIDATION_ERROR */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description UNAUTHORIZED */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description NOT_FOUND */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            413: components["responses"]["PayloadTooLarge"];
            /** @description RATE_LIMITED */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            500: components["responses"]["Internal"];
            /** @description UNAVAILABLE */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description TIMEOUT */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_users_wallet: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The wallet's address. */
                wallet: components["schemas"]["Wallet"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WalletProfileView"];
                };
            };
            /** @description Not changed (If-None-Match). */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The address is none. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            401: components["responses"]["Unauthorized"];
            /** @description Nothing is known of this wallet. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            413: components["responses"]["PayloadTooLarge"];
            /** @description Too many requests. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            500: components["responses"]["Internal"];
            /** @description The database does not answer; Retry-After. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description It took too long. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_users_wallet_portfolio: {
        parameters: {
            query?: {
                /** @description How many, 2 to 60; 30 if not given. */
                points?: number;
                /** @description 24h, 7d, 30d (if not given) or all. */
                window?: string;
            };
            header?: never;
            path: {
                /** @description The wallet's address. */
                wallet: components["schemas"]["Wallet"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Portfolio"];
                };
            };
            /** @description Not changed (If-None-Match). */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description A field was refused. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            401: components["responses"]["Unauthorized"];
            413: components["responses"]["PayloadTooLarge"];
            /** @description Too many requests. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            500: components["responses"]["Internal"];
            /** @description The database does not answer; Retry-After. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description It took too long. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_users_wallet_positions: {
        parameters: {
            query?: {
                /** @description Where the next page begins, from the Link header. */
                cursor?: string;
                /** @description Most rows, 1 to 100; 20 if not given. */
                limit?: number;
                /** @description Rows to skip. */
                offset?: number;
            };
            header?: never;
            path: {
                /** @description The wallet's address. */
                wallet: components["schemas"]["Wallet"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked for. */
            200: {
                headers: {
                    /** @description The next page, if there is one. */
                    Link?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PositionView"][];
                };
            };
            /** @description Not changed (If-None-Match). */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description A field was refused. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            401: components["responses"]["Unauthorized"];
            413: components["responses"]["PayloadTooLarge"];
            /** @description Too many requests. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            500: components["responses"]["Internal"];
            /** @description The database does not answer; Retry-After. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description It took too long. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_users_wallet_trades: {
        parameters: {
            query?: {
                /** @description A next_cursor of this list. */
                cursor?: string;
                /** @description Most rows, 1 to 100; 20 if not given. */
                limit?: number;
                /** @description Rows to skip. */
                offset?: number;
            };
            header?: never;
            path: {
                /** @description The wallet's address. */
                wallet: components["schemas"]["Wallet"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WalletTradePage_TradeView"];
                };
            };
            /** @description Not changed (If-None-Match). */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description A field was refused. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            401: components["responses"]["Unauthorized"];
            413: components["responses"]["PayloadTooLarge"];
            /** @description Too many requests. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            500: components["responses"]["Internal"];
            /** @description The database does not answer; Retry-After. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description It took too long. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_users_wallet_votes: {
        parameters: {
            query?: {
                /** @description A next_cursor of this list. */
                cursor?: string;
                /** @description Most rows, 1 to 100; 20 if not given. */
                limit?: number;
                /** @description Rows to skip. */
                offset?: number;
            };
            header?: never;
            path: {
                /** @description The wallet's address. */
                wallet: components["schemas"]["Wallet"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WalletVotePage"];
                };
            };
            /** @description Not changed (If-None-Match). */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description A field was refused. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            401: components["responses"]["Unauthorized"];
            413: components["responses"]["PayloadTooLarge"];
            /** @description Too many requests. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            500: components["responses"]["Internal"];
            /** @description The database does not answer; Retry-After. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description It took too long. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_users_me: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OwnProfileView"];
                };
            };
            400: components["responses"]["BadRequest"];
            /** @description UNAUTHORIZED */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            413: components["responses"]["PayloadTooLarge"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            /** @description UNAVAILABLE */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description TIMEOUT */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    patch_users_me: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ProfileBody"];
            };
        };
        responses: {
            /** @description As asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OwnProfileView"];
                };
            };
            /** @description VALIDATION_ERROR */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description UNAUTHORIZED */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description PAYLOAD_TOO_LARGE */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description UNSUPPORTED_MEDIA_TYPE */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Internal"];
            /** @description UNAVAILABLE */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description TIMEOUT */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_votes_market: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A market's address or seed. */
                market: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MarketVotes"];
                };
            };
            /** @description Not modified. */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description No market's name. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The token is not valid. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description No such market. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            413: components["responses"]["PayloadTooLarge"];
            /** @description Too many requests. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            500: components["responses"]["Internal"];
            /** @description Not available now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description It took too long. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    post_votes_dispute: {
        parameters: {
            query?: never;
            header?: {
                /** @description The client's name for this request. */
                "Idempotency-Key"?: string | null;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["VoteBody"];
            };
        };
        responses: {
            /** @description As asked for. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["VoteReply"];
                };
            };
            /** @description A field was refused. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The wallet may not vote here. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description No such market. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Not in this phase, too late, or a second vote. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            413: components["responses"]["PayloadTooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            /** @description The key was used for another request. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Too many requests. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            500: components["responses"]["Internal"];
            /** @description Not available now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description It took too long. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    post_votes_proposal: {
        parameters: {
            query?: never;
            header?: {
                /** @description The client's name for this request. */
                "Idempotency-Key"?: string | null;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["VoteBody"];
            };
        };
        responses: {
            /** @description As asked for. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["VoteReply"];
                };
            };
            /** @description A field was refused. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Not signed in. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The wallet may not vote here. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description No such market. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Not in this phase, too late, or a second vote. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            413: components["responses"]["PayloadTooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            /** @description The key was used for another request. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Too many requests. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            500: components["responses"]["Internal"];
            /** @description Not available now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description It took too long. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_asyncapi_json: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, never>;
                };
            };
            400: components["responses"]["BadRequest"];
            413: components["responses"]["PayloadTooLarge"];
            500: components["responses"]["Internal"];
        };
    };
    get_docs_file: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A file of the page; the page itself is at /docs/. */
                file: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/html": string;
                };
            };
            400: components["responses"]["BadRequest"];
            404: components["responses"]["NotFound"];
            413: components["responses"]["PayloadTooLarge"];
            500: components["responses"]["Internal"];
        };
    };
    get_health: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HealthView"];
                };
            };
            400: components["responses"]["BadRequest"];
            413: components["responses"]["PayloadTooLarge"];
            500: components["responses"]["Internal"];
        };
    };
    get_openapi_json: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, never>;
                };
            };
            400: components["responses"]["BadRequest"];
            413: components["responses"]["PayloadTooLarge"];
            500: components["responses"]["Internal"];
        };
    };
    get_ready: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ReadyView"];
                };
            };
            400: components["responses"]["BadRequest"];
            413: components["responses"]["PayloadTooLarge"];
            500: components["responses"]["Internal"];
            /** @description A part is not fit. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ReadyView"];
                };
            };
        };
    };
}
