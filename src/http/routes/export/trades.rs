//! GET /api/export/trades.csv and .ndjson: trades, streamed from one snapshot.
//!
//! A task reads a piece when the one before was taken over by the socket: memory holds [`PIECES`] of [`PIECE_ROWS`] rows,
//! whatever the export's length. Who stops reading for [`SILENCE_MAX`], or has not ended after [`EXPORT_MAX`], is cut off:
//! a snapshot is not held for ever. [`EXPORTS_MAX`] at once a worker, on connections of their own.

use std::{sync::Arc, time::Duration};

use actix_web::{HttpRequest, HttpResponse, http::header, web};
use bytes::Bytes;
use futures_util::stream;
use serde::Serialize;
use tokio::sync::{Semaphore, mpsc};

use crate::{
    domain::{
        amount::{PriceE9, UnixSeconds},
        ids::Wallet,
    },
    http::{
        error::ApiError,
        gateway::{EXPORTS_MAX, GatewayHandle, Reads},
        query::QueryReader,
    },
    journal::{
        read::export::{self, TradeFilter},
        rights,
        rows::TradeRow,
    },
};

/// Rows that are read at once.
const PIECE_ROWS: i32 = 500;
/// Pieces that wait for the socket.
const PIECES: usize = 2;
/// A reader that takes nothing for so long is cut off.
const SILENCE_MAX: Duration = Duration::from_secs(10);
// Else the database would end the transaction of a slow reader first.
const _: () = assert!(SILENCE_MAX.as_millis() < rights::SILENT_TIME.as_millis());
/// Longest time of an export.
const EXPORT_MAX: Duration = Duration::from_secs(600);

/// The places for exports of a worker.
#[derive(Debug, Clone)]
pub struct ExportPlaces(Arc<Semaphore>);

impl Default for ExportPlaces {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(EXPORTS_MAX)))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Csv,
    Ndjson,
}

/// A trade, flat.
#[derive(Debug, Serialize)]
struct Line<'a> {
    id: String,
    market_id: &'a str,
    user_wallet: Wallet,
    trade_type: &'a str,
    outcome: &'static str,
    shares: String,
    cost: String,
    amount_before_fees: String,
    protocol_fee: String,
    resolver_fee: String,
    lp_fee: String,
    price_before: PriceE9,
    price_after: PriceE9,
    tx_signature: &'a str,
    slot: u64,
    block_time: UnixSeconds,
    created_at: &'a str,
    epoch: u32,
    seq: u64,
}

impl<'a> From<&'a TradeRow> for Line<'a> {
    fn from(row: &'a TradeRow) -> Self {
        Self {
            id: format!("{}:{}", row.signature, row.n),
            market_id: &row.market,
            user_wallet: row.user_wallet,
            trade_type: &row.trade_type,
            outcome: row.outcome.as_str(),
            shares: row.shares.to_string(),
            cost: row.cost.to_string(),
            amount_before_fees: row.amount_before_fees.to_string(),
            protocol_fee: row.protocol_fee.to_string(),
            resolver_fee: row.resolver_fee.to_string(),
            lp_fee: row.lp_fee.to_string(),
            price_before: PriceE9(row.price_yes_before),
            price_after: PriceE9(row.price_yes),
            tx_signature: &row.signature,
            slot: row.slot,
            block_time: UnixSeconds(row.block_time_unix),
            created_at: &row.recorded_at,
            epoch: row.epoch,
            seq: row.seq,
        }
    }
}

/// As CSV, with a line of names.
///
/// # Errors
/// VALIDATION_ERROR with the refused fields, UNAVAILABLE where too many exports run.
#[utoipa::path(get, path = "/api/export/trades.csv", tag = "export", summary = "Trades as CSV, streamed",
    params(("market" = Option<String>, Query, description = "Account address"),
        ("wallet" = Option<String>, Query, description = "Of this wallet"),
        ("from" = Option<String>, Query, description = "RFC 3339 or seconds since 1970"),
        ("to" = Option<String>, Query, description = "RFC 3339 or seconds since 1970")),
    responses((status = 200, description = "A line a trade", content_type = "text/csv", body = String),
        (status = 400, description = "VALIDATION_ERROR"), (status = 503, description = "UNAVAILABLE")))]
pub async fn csv(
    request: HttpRequest,
    gateway: web::Data<GatewayHandle>,
    places: web::Data<ExportPlaces>,
) -> Result<HttpResponse, ApiError> {
    begin(&request, &gateway, &places, Format::Csv)
}

/// As a JSON object a line.
///
/// # Errors
/// As [`csv`].
#[utoipa::path(get, path = "/api/export/trades.ndjson", tag = "export", summary = "Trades as lines of JSON, streamed",
    params(("market" = Option<String>, Query, description = "Account address"),
        ("wallet" = Option<String>, Query, description = "Of this wallet"),
        ("from" = Option<String>, Query, description = "RFC 3339 or seconds since 1970"),
        ("to" = Option<String>, Query, description = "RFC 3339 or seconds since 1970")),
    responses((status = 200, description = "A line a trade", content_type = "application/x-ndjson", body = String),
        (status = 400, description = "VALIDATION_ERROR"), (status = 503, description = "UNAVAILABLE")))]
pub async fn ndjson(
    request: HttpRequest,
    gateway: web::Data<GatewayHandle>,
    places: web::Data<ExportPlaces>,
) -> Result<HttpResponse, ApiError> {
    begin(&request, &gateway, &places, Format::Ndjson)
}

fn begin(
    request: &HttpRequest,
    gateway: &GatewayHandle,
    places: &ExportPlaces,
    format: Format,
) -> Result<HttpResponse, ApiError> {
    let filter = parse(request.query_string())?;
    let busy = |_| ApiError::unavailable("Too many exports are running.");
    let place = Arc::clone(&places.0).try_acquire_owned().map_err(busy)?;
    let (sender, receiver) = mpsc::channel(PIECES);
    let reads = Arc::clone(gateway.reads());
    actix_web::rt::spawn(async move {
        let sent = tokio::time::timeout(EXPORT_MAX, send_all(&reads, filter, format, &sender)).await;
        if !matches!(sent, Ok(Ok(()))) {
            // The reply ends without its last chunk, so that the reader knows that it is not whole.
            let _ = sender.try_send(Err(std::io::Error::other("the export was cut off")));
        }
        drop(place);
    });
    let pieces = stream::unfold(receiver, async |mut receiver| Some((receiver.recv().await?, receiver)));
    let (content_type, name) = match format {
        Format::Csv => ("text/csv; charset=utf-8", "trades.csv"),
        Format::Ndjson => ("application/x-ndjson", "trades.ndjson"),
    };
    Ok(HttpResponse::Ok()
        .content_type(content_type)
        .insert_header((header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .streaming(Box::pin(pieces)))
}

fn parse(query: &str) -> Result<TradeFilter, ApiError> {
    let mut reader = QueryReader::new(query)?;
    let filter = TradeFilter {
        market: reader.parsed("market", "an account address (base58 of 32 bytes)"),
        wallet: reader.parsed("wallet", "a wallet's address (base58 of 32 bytes)"),
        from_unix: reader.moment("from"),
        to_unix: reader.moment("to"),
    };
    reader.finish()?;
    Ok(filter)
}

type Piece = Result<Bytes, std::io::Error>;

async fn send_all(
    reads: &Reads,
    filter: TradeFilter,
    format: Format,
    sender: &mpsc::Sender<Piece>,
) -> Result<(), ApiError> {
    reads
        .export(async |tx| {
            let portal = export::open(tx, filter).await?;
            let mut is_first = true;
            loop {
                let rows = export::next(tx, &portal, PIECE_ROWS).await?;
                let piece = written(&rows, format, is_first).map_err(ApiError::internal)?;
                if !piece.is_empty() {
                    // A reader that is gone, or stands still, is no failure of ours.
                    let gone = |_| ApiError::unavailable("The reader is gone.");
                    sender.send_timeout(Ok(piece), SILENCE_MAX).await.map_err(gone)?;
                }
                is_first = false;
                if rows.len() < PIECE_ROWS as usize {
                    return Ok(());
                }
            }
        })
        .await
}

fn written(rows: &[TradeRow], format: Format, is_first: bool) -> anyhow::Result<Bytes> {
    let lines = rows.iter().map(Line::from);
    if format == Format::Ndjson {
        let mut out = Vec::new();
        for line in lines {
            serde_json::to_writer(&mut out, &line)?;
            out.push(b'\n');
        }
        return Ok(out.into());
    }
    let mut out = csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new());
    if is_first {
        out.write_record(NAMES)?;
    }
    for line in lines {
        out.serialize(line)?;
    }
    Ok(out.into_inner()?.into())
}

/// The first line: also of an export without rows.
const NAMES: [&str; 19] = [
    "id",
    "market_id",
    "user_wallet",
    "trade_type",
    "outcome",
    "shares",
    "cost",
    "amount_before_fees",
    "protocol_fee",
    "resolver_fee",
    "lp_fee",
    "price_before",
    "price_after",
    "tx_signature",
    "slot",
    "block_time",
    "created_at",
    "epoch",
    "seq",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_export_without_rows_has_its_names() {
        let csv = written(&[], Format::Csv, true).unwrap();
        assert_eq!(csv, format!("{}\n", NAMES.join(",")));
        assert!(written(&[], Format::Ndjson, true).unwrap().is_empty());
    }

    #[test]
    fn filters_are_refused_by_field() {
        for (query, field) in
            [("market=x", "market"), ("wallet=", "wallet"), ("from=soon", "from"), ("to=1&to=2", "to")]
        {
            assert_eq!(parse(query).unwrap_err().details[0].field, field, "{query}");
        }
        assert_eq!(parse("from=5&to=1970-01-01T00:00:09Z").unwrap().to_unix, Some(9));
    }
}
