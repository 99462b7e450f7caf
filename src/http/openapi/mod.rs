//! The API's description (OpenAPI 3.1), collected from the handlers: served at /openapi.json, printed by `zmart openapi`,
//! and committed as `docs/openapi.json`.
//!
//! A route is described where it is written (`#[utoipa::path]` at its handler) and named here once. That no route is
//! missing, and none is told of that is not there, is a test over the running servers ([`tests`]).

pub mod errors;
#[cfg(test)]
mod tests;

use utoipa::{
    Modify, OpenApi,
    openapi::{
        OpenApi as Document, RefOr,
        path::Operation,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use super::{
    envelope::ErrorBody,
    routes::{
        actions, auth, config, discussions, docs, events, export, health, leaderboard, markets, ready, trades,
        transactions, users, votes,
    },
};

/// The name of the security scheme, for `security(("bearer" = []))` of a signed-in route, and
/// `security((), ("bearer" = []))` of one that shows more to who is signed in.
pub const BEARER: &str = "bearer";

#[derive(OpenApi)]
#[openapi(
    info(
        title = "zmart",
        description = "The real-time engine of a prediction market on Solana. Amounts are decimal strings of base units \
                       (lamports and share units, 1e-9), prices strings with nine decimals, moments RFC 3339 in UTC. \
                       What is not there, or not known, is null. See docs/rest.md.",
        license(name = "MIT", identifier = "MIT")
    ),
    servers((url = "/")),
    tags(
        (name = "actions", description = "Solana Actions: links that a wallet can trade from."),
        (name = "auth", description = "Sign-in with a Solana wallet."),
        (name = "discussions", description = "Comments on markets."),
        (name = "documents", description = "What this API is."),
        (name = "events", description = "The journal, for those who can only poll."),
        (name = "export", description = "Everything, streamed."),
        (name = "markets", description = "Markets: lists, figures, charts, and the steps of a market's life."),
        (name = "operations", description = "Whether the process is there and fit for work."),
        (name = "program", description = "What is in force on the chain."),
        (name = "trades", description = "Quotes, and trades as unsigned transactions."),
        (name = "transactions", description = "Signed transactions, handed in and followed."),
        (name = "users", description = "Wallets: profiles, positions, profits."),
        (name = "votes", description = "Votes on proposals and disputes.")
    ),
    paths(
        actions::icon::handle,
        actions::market::show,
        actions::market::trade,
        actions::rules::handle,
        auth::login::handle,
        auth::logout::handle,
        auth::nonce::handle,
        auth::refresh::handle,
        config::show::handle,
        discussions::delete::handle,
        discussions::list::handle,
        discussions::list::of_market,
        discussions::post::handle,
        discussions::post::on_market,
        docs::asyncapi,
        docs::openapi,
        docs::page,
        events::latest::handle,
        export::trades::csv,
        export::trades::ndjson,
        health::handle,
        leaderboard::list::handle,
        markets::activate::handle,
        markets::activity::handle,
        markets::candles::handle,
        markets::categories::handle,
        markets::claim::handle,
        markets::create::handle,
        markets::depth::handle,
        markets::dispute::handle,
        markets::governance::handle,
        markets::history::handle,
        markets::holders::handle,
        markets::list::handle,
        markets::metadata::handle,
        markets::prices::handle,
        markets::related::handle,
        markets::resolve::handle,
        markets::show::handle,
        markets::snapshots::handle,
        markets::stats::handle,
        markets::trades::handle,
        markets::trending::handle,
        markets::withdraw::handle,
        ready::handle,
        trades::buy::handle,
        trades::estimate::handle,
        trades::estimate::quote,
        trades::history::handle,
        trades::sell::handle,
        transactions::show::handle,
        transactions::submit::handle,
        users::me::change,
        users::me::show,
        users::portfolio::handle,
        users::positions::handle,
        users::show::handle,
        users::trades::handle,
        users::votes::handle,
        votes::cast::dispute,
        votes::cast::proposal,
        votes::list::handle,
        votes::show::handle
    ),
    components(schemas(ErrorBody)),
    modifiers(&Shared)
)]
struct Api;

/// What all routes refer to.
struct Shared;

impl Modify for Shared {
    fn modify(&self, document: &mut Document) {
        let components = document.components.get_or_insert_default();
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT");
        let bearer = bearer.description(Some("The access token of POST /api/auth/login."));
        components.add_security_scheme(BEARER, SecurityScheme::Http(bearer.build()));
        let errors = errors::components().map(|(name, response)| (name.to_owned(), response.into()));
        components.responses.extend(errors);
        for (path, item) in &mut document.paths.paths {
            let methods = [
                ("get", &mut item.get),
                ("post", &mut item.post),
                ("put", &mut item.put),
                ("patch", &mut item.patch),
                ("delete", &mut item.delete),
            ];
            for (method, operation) in methods {
                if let Some(operation) = operation {
                    finish(operation, method, path);
                }
            }
        }
    }
}

/// What a handler can't say of itself, or says for readers of the source only.
fn finish(operation: &mut Operation, method: &str, path: &str) {
    // All handlers have the same name; their places differ.
    let words = path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty() && *word != "api");
    operation.operation_id = Some(words.fold(method.to_owned(), |id, word| format!("{id}_{word}")));
    // "# Errors" of rustdoc: the responses tell it better.
    let text = operation.description.take().unwrap_or_default();
    let text = text.split("# Errors").next().unwrap_or_default().trim().to_owned();
    operation.description = Some(text).filter(|text| !text.is_empty());
    errors::of_any(operation, path.starts_with("/api/"));
    for response in operation.responses.responses.values_mut() {
        if let RefOr::T(response) = response
            && response.description.is_empty()
        {
            // Without one the document would be none.
            response.description = "As asked for.".to_owned();
        }
    }
}

/// The document.
pub fn document() -> Document {
    Api::openapi()
}

/// The document as it is committed: indented JSON, with a line end.
///
/// # Errors
/// It can't be written as JSON, which a test excludes.
pub fn text() -> serde_json::Result<String> {
    document().to_pretty_json().map(|text| text + "\n")
}
