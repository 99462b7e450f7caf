//! The feeder's JSON-RPC: exactly what the engine's client asks, answered as text; an error for all else.

use std::fmt::Write;

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use zmart::domain::ids::{AccountAddress, TxSignature};

use super::{
    chain::{Chain, Landed},
    story::Account,
};

/// The longest page of signatures.
const PAGE_MAX: usize = 1_000;
/// The most statuses and accounts that are told at once.
const STATUSES_MAX: usize = 256;
const ACCOUNTS_MAX: usize = 100;

/// An error's number and words.
type Refusal = (i64, String);

/// What does not follow from the chain.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The cluster's identity.
    pub genesis: String,
    /// Lists and transactions tell `transactionIndex`.
    pub tells_index: bool,
}

/// Answers a call, or a batch of calls.
pub fn answer(chain: &mut Chain, identity: &Identity, body: &[u8]) -> String {
    match serde_json::from_slice(body).unwrap_or_default() {
        // An empty batch is a call without a method: JSON-RPC 2.0, section 6.
        Value::Array(asks) if !asks.is_empty() => {
            let answers: Vec<String> = asks.iter().map(|ask| answer_one(chain, identity, ask)).collect();
            format!("[{}]", answers.join(","))
        }
        ask => answer_one(chain, identity, &ask),
    }
}

fn answer_one(chain: &mut Chain, identity: &Identity, ask: &Value) -> String {
    let Some(method) = ask["method"].as_str() else {
        return refusal(&ask["id"], &(-32600, "no call: one JSON-RPC object with a method".to_owned()));
    };
    let mut out = String::with_capacity(512);
    out.push_str(r#"{"jsonrpc":"2.0","result":"#);
    match write_result(chain, identity, method, &ask["params"], &mut out) {
        Ok(()) => {
            let _ = write!(out, r#","id":{}}}"#, ask["id"]);
            out
        }
        Err(why) => refusal(&ask["id"], &why),
    }
}

fn refusal(id: &Value, (code, message): &Refusal) -> String {
    json!({"jsonrpc": "2.0", "error": {"code": code, "message": message}, "id": id}).to_string()
}

fn invalid(what: impl std::fmt::Display) -> Refusal {
    (-32602, format!("Invalid params: {what}"))
}

fn parse<T: std::str::FromStr>(value: &Value) -> Result<T, Refusal> {
    value.as_str().and_then(|text| text.parse().ok()).ok_or_else(|| invalid(value))
}

fn write_result(
    chain: &mut Chain,
    identity: &Identity,
    method: &str,
    params: &Value,
    out: &mut String,
) -> Result<(), Refusal> {
    let is_finalized = |config: &Value| config["commitment"].as_str().unwrap_or("finalized") == "finalized";
    let commitment_slot = |chain: &Chain, config: &Value| match config["commitment"].as_str() {
        Some("processed") => chain.open_slot(),
        Some("confirmed") => chain.confirmed_slot(),
        _ => chain.finalized_slot(),
    };
    let open = chain.open_slot();
    match method {
        "getSlot" | "getBlockHeight" => {
            let _ = write!(out, "{}", commitment_slot(chain, &params[0]));
        }
        "getFirstAvailableBlock" => {
            let _ = write!(out, "{}", chain.first_slot());
        }
        "getHealth" => out.push_str("\"ok\""),
        "getVersion" => out.push_str(r#"{"solana-core":"0.0.0-feeder","feature-set":0}"#),
        "getGenesisHash" => {
            let _ = write!(out, "\"{}\"", identity.genesis);
        }
        "getLatestBlockhash" => {
            let slot = commitment_slot(chain, &params[0]);
            let _ = write!(
                out,
                r#"{{"context":{{"slot":{slot}}},"value":{{"blockhash":"{}","lastValidBlockHeight":{}}}}}"#,
                identity.genesis,
                slot + 150
            );
        }
        "getBalance" => {
            let lamports = chain.story.account(parse(&params[0])?).map_or(0, |account| account.lamports);
            let _ = write!(out, r#"{{"context":{{"slot":{open}}},"value":{lamports}}}"#);
        }
        "getAccountInfo" => {
            only_base64(&params[1])?;
            let _ = write!(out, r#"{{"context":{{"slot":{open}}},"value":"#);
            write_account(chain, parse(&params[0])?, out);
            out.push('}');
        }
        "getMultipleAccounts" => {
            only_base64(&params[1])?;
            let asked = params[0].as_array().filter(|asked| asked.len() <= ACCOUNTS_MAX);
            let _ = write!(out, r#"{{"context":{{"slot":{open}}},"value":["#);
            for (index, address) in asked.ok_or_else(|| invalid("addresses"))?.iter().enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                write_account(chain, parse(address)?, out);
            }
            out.push_str("]}");
        }
        "getProgramAccounts" => program_accounts(chain, params, out)?,
        "getSignaturesForAddress" => signatures(chain, identity, params, is_finalized(&params[1]), out)?,
        "getSignatureStatuses" => {
            let asked = params[0].as_array().filter(|asked| asked.len() <= STATUSES_MAX);
            let _ = write!(out, r#"{{"context":{{"slot":{open}}},"value":["#);
            for (index, signature) in asked.ok_or_else(|| invalid("signatures"))?.iter().enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                write_status(chain, chain.find(&parse(signature)?), out);
            }
            out.push_str("]}");
        }
        "getTransaction" => {
            only_base64(&params[1])?;
            let signature: TxSignature = parse(&params[0])?;
            let found = chain.find(&signature);
            match found.filter(|landed| !is_finalized(&params[1]) || chain.is_finalized(landed)) {
                Some(landed) => write_transaction(chain, identity, &landed, out),
                None => out.push_str("null"),
            }
        }
        "getBlock" => block(chain, params, out)?,
        "sendTransaction" | "simulateTransaction" | "requestAirdrop" => {
            return Err((-32601, format!("{method}: the feeder executes nothing that it is sent")));
        }
        other => return Err((-32601, format!("{other}: the feeder does not know this method"))),
    }
    Ok(())
}

fn only_base64(config: &Value) -> Result<(), Refusal> {
    match config["encoding"].as_str() {
        Some("base64") => Ok(()),
        other => Err(invalid(format!("encoding {other:?}: the feeder knows base64 only"))),
    }
}

fn write_account(chain: &mut Chain, address: AccountAddress, out: &mut String) {
    match chain.story.account(address) {
        Some(account) => write_data(&chain.story.program().to_string(), &account, out),
        None => out.push_str("null"),
    }
}

fn write_data(owner: &str, account: &Account, out: &mut String) {
    let _ = write!(out, r#"{{"lamports":{},"data":[""#, account.lamports);
    BASE64_STANDARD.encode_string(&account.data, out);
    let space = account.data.len();
    let _ =
        write!(out, r#"","base64"],"owner":"{owner}","executable":false,"rentEpoch":{},"space":{space}}}"#, u64::MAX);
}

fn program_accounts(chain: &mut Chain, params: &Value, out: &mut String) -> Result<(), Refusal> {
    let program = chain.story.program();
    if params[0] != program.to_string().as_str() {
        return Err(invalid("another program than the feeder's"));
    }
    only_base64(&params[1])?;
    let (mut size, mut holds) = (None, Vec::new());
    for filter in params[1]["filters"].as_array().into_iter().flatten() {
        if let Some(bytes) = filter["dataSize"].as_u64() {
            size = usize::try_from(bytes).ok();
        } else {
            let (memcmp, bytes) = (&filter["memcmp"], filter["memcmp"]["bytes"].as_str());
            let bytes = bytes.and_then(|text| bs58::decode(text).into_vec().ok()).ok_or_else(|| invalid(filter))?;
            let offset = memcmp["offset"].as_u64().and_then(|offset| usize::try_from(offset).ok());
            holds.push((offset.ok_or_else(|| invalid(filter))?, bytes));
        }
    }
    let owner = program.to_string();
    let with_context = params[1]["withContext"] == true;
    if with_context {
        let _ = write!(out, r#"{{"context":{{"slot":{}}},"value":"#, chain.open_slot());
    }
    out.push('[');
    let mut is_first = true;
    chain.story.accounts(size, &mut |address, account| {
        let fits = |(offset, bytes): &(usize, Vec<u8>)| {
            account.data.get(*offset..).is_some_and(|rest| rest.starts_with(bytes))
        };
        if holds.iter().all(fits) {
            out.push_str(if is_first { "" } else { "," });
            is_first = false;
            let _ = write!(out, r#"{{"pubkey":"{address}","account":"#);
            write_data(&owner, &account, out);
            out.push('}');
        }
    });
    out.push_str(if with_context { "]}" } else { "]" });
    Ok(())
}

fn write_index(chain: &Chain, identity: &Identity, landed: &Landed, out: &mut String) {
    if identity.tells_index {
        let _ = write!(out, r#","transactionIndex":{}"#, chain.index_in_block(landed));
    }
}

fn status_of(chain: &Chain, landed: &Landed) -> &'static str {
    if chain.is_finalized(landed) { "finalized" } else { "confirmed" }
}

fn signatures(
    chain: &Chain,
    identity: &Identity,
    params: &Value,
    finalized_only: bool,
    out: &mut String,
) -> Result<(), Refusal> {
    let (address, config): (AccountAddress, _) = (parse(&params[0])?, &params[1]);
    let of = chain.of(address);
    let of = of.ok_or_else(|| invalid("the feeder keeps the transactions of its program, config and markets only"))?;
    let limit = config["limit"].as_u64().map_or(Some(PAGE_MAX), |limit| usize::try_from(limit).ok());
    let limit = limit.filter(|limit| (1..=PAGE_MAX).contains(limit)).ok_or_else(|| invalid("limit"))?;
    let given = |name: &str| match &config[name] {
        Value::Null => Ok(None),
        text => parse::<TxSignature>(text).map(Some),
    };
    let (before, until) = (given("before")?, given("until")?);
    out.push('[');
    let mut is_first = true;
    for landed in chain.page(of, before.as_ref(), until.as_ref(), limit) {
        if finalized_only && !chain.is_finalized(&landed) {
            continue;
        }
        out.push_str(if is_first { "" } else { "," });
        is_first = false;
        let _ = write!(
            out,
            r#"{{"signature":"{}","slot":{},"err":{},"memo":null,"blockTime":{},"confirmationStatus":"{}""#,
            chain.story.signature(landed.number),
            chain.slot_of(&landed),
            chain.story.error(landed.number),
            chain.story.unix_time(landed.number),
            status_of(chain, &landed),
        );
        write_index(chain, identity, &landed, out);
        out.push('}');
    }
    out.push(']');
    Ok(())
}

fn write_status(chain: &Chain, landed: Option<Landed>, out: &mut String) {
    let Some(landed) = landed else { return out.push_str("null") };
    let error = chain.story.error(landed.number);
    let slot = chain.slot_of(&landed);
    let confirmations = match chain.is_finalized(&landed) {
        true => "null".to_owned(),
        false => (chain.open_slot() - slot).min(31).to_string(),
    };
    let status = if error == "null" { r#"{"Ok":null}"#.to_owned() } else { format!(r#"{{"Err":{error}}}"#) };
    let _ = write!(
        out,
        r#"{{"slot":{slot},"confirmations":{confirmations},"err":{error},"status":{status},"confirmationStatus":"{}"}}"#,
        status_of(chain, &landed),
    );
}

fn write_transaction(chain: &Chain, identity: &Identity, landed: &Landed, out: &mut String) {
    let number = landed.number;
    let error = chain.story.error(number);
    let _ = write!(
        out,
        r#"{{"slot":{},"blockTime":{},"version":"legacy""#,
        chain.slot_of(landed),
        chain.story.unix_time(number)
    );
    write_index(chain, identity, landed, out);
    let _ = write!(out, r#","meta":{{"err":{error},"fee":5000,"innerInstructions":[],"logMessages":"#);
    chain.story.write_logs(number, out);
    out.push_str(r#","loadedAddresses":{"writable":[],"readonly":[]}},"transaction":[""#);
    BASE64_STANDARD.encode_string(chain.story.transaction(number), out);
    out.push_str(r#"","base64"]}"#);
}

fn block(chain: &Chain, params: &Value, out: &mut String) -> Result<(), Refusal> {
    let slot = params[0].as_u64().ok_or_else(|| invalid("slot"))?;
    if params[1]["transactionDetails"] != "signatures" {
        return Err(invalid("the feeder tells a block's signatures only"));
    }
    if slot < chain.first_slot() {
        return Err((-32001, format!("Block {slot} cleaned up, does not exist on node")));
    }
    if slot > chain.confirmed_slot() {
        return Err((-32004, format!("Block not available for slot {slot}")));
    }
    let _ = write!(out, r#"{{"blockHeight":{slot},"parentSlot":{},"signatures":["#, slot - 1);
    for (index, landed) in chain.block(slot).iter().enumerate() {
        let comma = if index > 0 { "," } else { "" };
        let _ = write!(out, r#"{comma}"{}""#, chain.story.signature(landed.number));
    }
    out.push_str("]}");
    Ok(())
}
