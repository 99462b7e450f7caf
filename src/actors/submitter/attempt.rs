//! One attempt, up to the moment at which its row is committed: looked at, rehearsed, signed, kept.
//!
//! Every question whose answer may end it comes before the signature, so that what is signed is meant to land. The account
//! is read before the rehearsal: it says what an error number can't, that the thing is done already, and whether the program
//! would do something else than what was decided.

use std::time::Duration;

use futures_util::{join, try_join};
use solana_sdk::{hash::Hash, instruction::Instruction};

use super::{FAILING, NotSubmitted, Submitted, SubmitterParts, may_begin};
use crate::{
    chain::{
        anchor::accounts::{AccountLayout, decode_account},
        keys::AuthorityKey,
        model::Commitment,
        program::InstructionBuilder,
        rpc::{ChainReadError, ChainRpc, RawAccount},
        tx::{
            compose::{Compute, NoSignature, Percentiles, Priority, UNITS_MAX, Unsigned, Version, compute_limit},
            failure::{Named, named_from},
        },
    },
    domain::{
        account::{GlobalConfigAccount, MarketAccount},
        alert::{AlertKind, SUBJECTS_MAX},
        attempt::{AttemptStatus, Authority, Ended, MarketNow, ProgramRefusal, Stand, Why, failures_in_a_row, stand},
        governance::{Intent, Purpose},
        ids::{AccountAddress, MarketAddress, TxSignature, Wallet},
        phase::Phase,
        tally::Counts,
    },
    faults,
    journal::{
        alerts::{self, NewAlert},
        chain_submissions::{self, Kept, NewAttempt, OpenAttempt, Past},
    },
};

/// What others pay is asked for so long: a blockhash that is ready to be used grows old meanwhile.
const FEES_WITHIN: Duration = Duration::from_secs(5);

/// How a market is on the chain, and whom the config names.
struct Seen {
    backend: Wallet,
    admin: Wallet,
    market: MarketNow,
}

/// What is there.
enum Looked {
    Seen(Seen),
    /// The program has no config (on this chain, or on this node).
    NoConfig,
    /// There is no such market.
    NoMarket,
}

/// Begins an attempt; the attempt, if it is a new one, is kept and has to be sent.
pub async fn begin(
    parts: &SubmitterParts,
    build: &InstructionBuilder,
    intent: &Intent,
) -> Result<(Submitted, Option<OpenAttempt>), NotSubmitted> {
    let past = chain_submissions::past(parts.pool.pool(), intent.purpose, intent.market).await?;
    if let Some(id) = past.open {
        return Ok((Submitted::Open(id), None));
    }
    let signers = keys(parts, intent.purpose)?;
    may_begin(&past)?;
    match make(parts, build, intent, &past, &signers).await {
        Err(NotSubmitted::WouldFail(refusal)) => {
            refused(parts, intent, &past, &refusal).await;
            Err(NotSubmitted::WouldFail(refusal))
        }
        end => {
            if failures_in_a_row(&past.ended) >= FAILING {
                tell_failing(parts, intent, "the last attempts did not land, or failed").await;
            }
            if end == Err(NotSubmitted::AlreadyDone) {
                resolve_failing(parts, intent.market, intent.purpose).await;
            }
            end
        }
    }
}

/// The keys that have to sign, the payer's first.
fn keys(parts: &SubmitterParts, purpose: Purpose) -> Result<Vec<(Authority, &AuthorityKey)>, NotSubmitted> {
    let key = |authority: &Authority| {
        let key = match authority {
            Authority::Backend => parts.keys.backend.as_ref(),
            Authority::Admin => parts.keys.admin.as_ref(),
        };
        Ok((*authority, key.ok_or(NotSubmitted::NoKey(*authority))?))
    };
    Authority::signers(purpose).iter().map(key).collect()
}

async fn make(
    parts: &SubmitterParts,
    build: &InstructionBuilder,
    intent: &Intent,
    past: &Past,
    signers: &[(Authority, &AuthorityKey)],
) -> Result<(Submitted, Option<OpenAttempt>), NotSubmitted> {
    let refuse = |why, name| Err(NotSubmitted::WouldFail(ProgramRefusal::ours(why, name)));
    let seen = match look(&parts.rpc, build, intent.market).await {
        Ok(Looked::Seen(seen)) => seen,
        Ok(Looked::NoConfig) => return refuse(Why::Other, "NoConfig"),
        Ok(Looked::NoMarket) => return refuse(Why::OtherPhase, "NoSuchMarket"),
        // The market's own affair, unlike the config; and nothing that a moment cures.
        Err(ChainReadError::Undecodable { address, .. }) if address == intent.market.account() => {
            return refuse(Why::Other, "Undecodable");
        }
        Err(error) => return Err(unavailable(error)),
    };
    match stand(intent.purpose, intent.counts, seen.market) {
        Stand::Open => {}
        Stand::Done => return Err(NotSubmitted::AlreadyDone),
        Stand::OtherPhase => return refuse(Why::OtherPhase, "OtherPhase"),
    }
    let wallet = |authority| signers.iter().find(|(own, _)| *own == authority).map(|(_, key)| key.wallet());
    for (authority, key) in signers {
        let named = match authority {
            Authority::Backend => seen.backend,
            Authority::Admin => seen.admin,
        };
        if key.wallet() != named {
            let message = format!("the config names {named}, the key here is of {}", key.wallet());
            let alert = NewAlert::new(AlertKind::AuthorityMismatch, authority.as_str(), message);
            tell(alerts::raise(&parts.pool, &alert).await);
            return refuse(Why::Unauthorized, "OtherAuthority");
        }
    }
    let payer = wallet(Authority::Backend).ok_or(NotSubmitted::NoKey(Authority::Backend))?;
    let Some(instructions) = instructions(build, intent, payer, wallet(Authority::Admin)) else {
        return refuse(Why::Other, "NoCounts");
    };
    let unsigned = |compute, blockhash| {
        Unsigned::new(Version::V0, payer, &instructions, compute, blockhash)
            .map_err(|error| NotSubmitted::WouldFail(ProgramRefusal::ours(Why::Other, &error.to_string())))
    };
    // The node puts a blockhash of its own in.
    let rehearsal = unsigned(Compute { units: UNITS_MAX, micro_lamports: 0 }, Hash::default())?;
    let (wire, written) = (rehearsal.wire(), written(&instructions, payer));
    let needed = async {
        try_join!(parts.rpc.latest_blockhash(Commitment::Confirmed), parts.rpc.simulate(&wire)).map_err(unavailable)
    };
    let (needed, fees) = join!(needed, recent_fees(&parts.rpc, &written));
    let (latest, simulation) = needed?;
    if let Some(failure) = &simulation.failure {
        // Another's transaction may have come between the two looks.
        if is_past(&parts.rpc, build, intent.market, intent.purpose, intent.counts).await {
            return Err(NotSubmitted::AlreadyDone);
        }
        return Err(NotSubmitted::WouldFail(refusal_of(named_from(failure, rehearsal.first_index()))));
    }
    faults::reached("submitter:decided");
    let compute = Compute {
        units: compute_limit(simulation.units_consumed.unwrap_or(UNITS_MAX.into())),
        micro_lamports: fees.price(priority(&past.ended), parts.max_priority_fee_micro_lamports),
    };
    let signed = unsigned(compute, latest.blockhash)?.signed(|wallet, message| {
        let (_, key) = signers.iter().find(|(_, key)| key.wallet() == wallet)?;
        Some(TxSignature(key.sign(message).into()))
    });
    let (signature, wire) = signed.map_err(|NoSignature(wallet)| {
        NotSubmitted::WouldFail(ProgramRefusal::ours(Why::Unauthorized, &format!("no key of {wallet}")))
    })?;
    faults::reached("submitter:signed");
    let new = NewAttempt { intent, signature, wire: &wire, last_valid_block_height: latest.last_valid_block_height };
    match chain_submissions::keep(&parts.pool, &new).await? {
        Kept::Open(id) => Ok((Submitted::Open(id), None)),
        Kept::SameSignature => Err(NotSubmitted::Unavailable("the next blockhash is not there yet".into())),
        Kept::Full => Err(NotSubmitted::Unavailable("too many transactions are on their way".into())),
        Kept::New(id) => {
            faults::reached("submitter:kept");
            log::info!("{id}: {} of {} is on its way as {signature}", intent.purpose.as_str(), intent.market);
            let attempt = OpenAttempt {
                id,
                purpose: intent.purpose,
                market: intent.market,
                counts: intent.counts,
                signature,
                wire,
                last_valid_block_height: latest.last_valid_block_height,
                status: AttemptStatus::Signed,
                slot: None,
                reason: None,
                unchanged_for: Duration::ZERO,
            };
            Ok((Submitted::New(id), Some(attempt)))
        }
    }
}

/// A refusal is kept, so that its pause outlives this life; what comes again and again is told.
async fn refused(parts: &SubmitterParts, intent: &Intent, past: &Past, refusal: &ProgramRefusal) {
    let (purpose, market) = (intent.purpose.as_str(), intent.market);
    log::warn!("{purpose} of {market} would fail: {refusal}");
    if let Err(error) = chain_submissions::keep_refused(&parts.pool, intent, refusal).await {
        log::warn!("that {purpose} of {market} would fail is not kept: {error}");
    }
    if failures_in_a_row(&past.ended) + 1 >= FAILING {
        tell_failing(parts, intent, &format!("it would fail: {refusal}")).await;
    }
}

/// What can't be done to a market, again and again, or could not even be attempted.
pub async fn tell_failing(parts: &SubmitterParts, intent: &Intent, reason: &str) {
    let alert = NewAlert::new(AlertKind::SubmissionFailing, failing(intent.market, intent.purpose), reason);
    tell(alerts::raise_within(&parts.pool, &alert, SUBJECTS_MAX).await);
}

/// The end of one purpose's failures says nothing of another's: each has a subject of its own.
fn failing(market: MarketAddress, purpose: Purpose) -> String {
    format!("{market}/{}", purpose.as_str())
}

/// It is done.
pub async fn resolve_failing(parts: &SubmitterParts, market: MarketAddress, purpose: Purpose) {
    tell(alerts::resolve(&parts.pool, AlertKind::SubmissionFailing, failing(market, purpose)).await);
}

/// An alert that is not kept now is told again with the next attempt.
pub fn tell<T>(outcome: Result<T, crate::journal::JournalError>) {
    if let Err(error) = outcome {
        log::warn!("an alert is not kept: {error}");
    }
}

/// What a failure is to those who ask.
pub fn refusal_of(Named { code, name }: Named) -> ProgramRefusal {
    ProgramRefusal { why: Why::of_name(&name), code, name: name.into_owned() }
}

fn unavailable(error: ChainReadError) -> NotSubmitted {
    NotSubmitted::Unavailable(error.to_string())
}

/// One that did not land wants more.
fn priority(ended: &[Ended]) -> Priority {
    if ended.first() == Some(&Ended::Expired) { Priority::High } else { Priority::Medium }
}

fn written(instructions: &[Instruction], payer: Wallet) -> Vec<AccountAddress> {
    let accounts = instructions.iter().flat_map(|instruction| &instruction.accounts);
    let written =
        accounts.filter(|account| account.is_writable).map(|account| AccountAddress(account.pubkey.to_bytes()));
    let mut written: Vec<_> = written.filter(|account| account.0 != payer.0).collect();
    written.sort_unstable();
    written.dedup();
    written
}

/// `None`: counts are needed, and there are none.
fn instructions(
    build: &InstructionBuilder,
    intent: &Intent,
    backend: Wallet,
    admin: Option<Wallet>,
) -> Option<Vec<Instruction>> {
    let market = intent.market;
    let aggregate =
        |counts: Counts| build.aggregate_proposal_votes(market, backend, counts.in_favour(), counts.against());
    Some(match intent.purpose {
        Purpose::AggregateProposal => vec![aggregate(intent.counts?)],
        Purpose::ApproveProposal => vec![aggregate(intent.counts?), build.approve_proposal(market, admin?)],
        Purpose::FinalizeDispute => {
            let counts = intent.counts.map(|counts| (counts.in_favour(), counts.against()))?;
            vec![build.finalize_market(market, backend, Some(counts))]
        }
        Purpose::FinalizeUndisputed => vec![build.finalize_market(market, backend, None)],
    })
}

/// What was lately paid; as if nothing was, where the node does not say: some providers do not serve that question, and what
/// is worth a transaction is worth one without priority.
async fn recent_fees(rpc: &ChainRpc, written: &[AccountAddress]) -> Percentiles {
    let unknown = match tokio::time::timeout(FEES_WITHIN, rpc.recent_priority_fees(written)).await {
        Ok(Ok(fees)) => return Percentiles::of(fees),
        Ok(Err(error)) => error.to_string(),
        Err(_) => "no answer in time".to_owned(),
    };
    log::warn!("what others pay for priority is not known, so nothing is paid for it: {unknown}");
    Percentiles::of(Vec::new())
}

/// The config and a market, read at one moment.
async fn look(rpc: &ChainRpc, build: &InstructionBuilder, market: MarketAddress) -> Result<Looked, ChainReadError> {
    let (config_address, _) = build.addresses().config();
    let addresses = [config_address, market.account()];
    let mut accounts = rpc.accounts(&addresses).await?.accounts.into_iter();
    let mut next = || accounts.next().flatten().filter(|account| account.owner == build.program());
    let (config, account) = (next(), next());
    let Some(config) = config else { return Ok(Looked::NoConfig) };
    let Some(account) = account else { return Ok(Looked::NoMarket) };
    let config: GlobalConfigAccount = decoded(config_address, &config)?;
    let (backend, admin) = (config.backend_authority, config.admin);
    let market = now_of(&decoded(market.account(), &account)?);
    Ok(market.map_or(Looked::NoMarket, |market| Looked::Seen(Seen { backend, admin, market })))
}

fn decoded<T: AccountLayout>(address: AccountAddress, account: &RawAccount) -> Result<T, ChainReadError> {
    decode_account(&account.data).map_err(|error| ChainReadError::Undecodable { address, error })
}

fn now_of(account: &MarketAccount) -> Option<MarketNow> {
    let proposal = Counts::new(account.proposal_likes, account.proposal_dislikes).unwrap_or_default();
    Some(MarketNow { phase: Phase::from_code(account.state)?, proposal })
}

/// True if the chain says that nothing is left to do; false also where it can't be asked.
pub async fn is_past(
    rpc: &ChainRpc,
    build: &InstructionBuilder,
    market: MarketAddress,
    purpose: Purpose,
    counts: Option<Counts>,
) -> bool {
    match look(rpc, build, market).await {
        Ok(Looked::Seen(seen)) => stand(purpose, counts, seen.market) == Stand::Done,
        Ok(Looked::NoConfig | Looked::NoMarket) => false,
        Err(error) => {
            log::debug!("whether {} of {market} is done can't be asked: {error}", purpose.as_str());
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        chain::program::instructions::{InstructionKind, ProgramInstruction},
        domain::{governance::Grounds, ids::ProgramId},
    };

    fn intent(purpose: Purpose, counts: Option<Counts>) -> Intent {
        Intent { market: MarketAddress([7; 32]), purpose, counts, grounds: Grounds::any() }
    }

    fn built(purpose: Purpose, counts: Option<Counts>) -> Option<Vec<ProgramInstruction>> {
        let build = InstructionBuilder::new(ProgramId([1; 32]));
        let made = instructions(&build, &intent(purpose, counts), Wallet([2; 32]), Some(Wallet([3; 32])))?;
        let decoded = |one: &Instruction| crate::chain::anchor::instructions::decode_instruction(&one.data).unwrap();
        Some(made.iter().map(decoded).collect())
    }

    #[test]
    fn each_purpose_is_its_instructions_and_a_dispute_is_never_aggregated() {
        use crate::chain::program::instructions::{AggregateProposalVotes, ApproveProposal, FinalizeMarket};
        let counts = Counts::new(8, 2);
        let aggregate = AggregateProposalVotes { final_likes: 8, final_dislikes: 2 }.into();
        let finalize = |agree, disagree| FinalizeMarket { dispute_agree: agree, dispute_disagree: disagree }.into();
        assert_eq!(built(Purpose::AggregateProposal, counts), Some(vec![aggregate]));
        assert_eq!(built(Purpose::ApproveProposal, counts), Some(vec![aggregate, ApproveProposal {}.into()]));
        assert_eq!(built(Purpose::FinalizeDispute, counts), Some(vec![finalize(Some(8), Some(2))]));
        // Counts that are there are not sent where nobody voted on anything.
        assert_eq!(built(Purpose::FinalizeUndisputed, counts), Some(vec![finalize(None, None)]));
        for purpose in [Purpose::AggregateProposal, Purpose::ApproveProposal, Purpose::FinalizeDispute] {
            assert_eq!(built(purpose, None), None, "{purpose:?} without counts");
        }
        let all = Purpose::ALL.into_iter().filter_map(|purpose| built(purpose, counts)).flatten();
        assert!(all.map(|one| one.kind()).all(|kind| kind != InstructionKind::AggregateDisputeVotes));
    }

    #[test]
    fn the_longest_of_them_fits_a_packet_and_is_signed_by_both_authorities() {
        let build = InstructionBuilder::new(ProgramId([1; 32]));
        let (backend, admin) = (Wallet([2; 32]), Wallet([3; 32]));
        let intent = intent(Purpose::ApproveProposal, Counts::new(u32::MAX, 0));
        let instructions = instructions(&build, &intent, backend, Some(admin)).unwrap();
        let compute = Compute { units: UNITS_MAX, micro_lamports: u64::MAX };
        let unsigned = Unsigned::new(Version::V0, backend, &instructions, compute, Hash::default()).unwrap();
        assert_eq!(unsigned.signers().collect::<Vec<_>>(), [backend, admin]);
        assert!(unsigned.wire().len() < crate::chain::tx::WIRE_BYTES_MAX);
        // The market is what others write too: what they paid is what counts. The payer is nobody else's.
        let written = written(&instructions, backend);
        assert!(written.contains(&intent.market.account()) && !written.contains(&AccountAddress(backend.0)));
    }

    #[tokio::test]
    async fn a_node_that_does_not_tell_what_others_pay_keeps_nothing_from_being_sent() {
        use crate::chain::rpc::node_tests::{asked_of, refusal};
        for answer in [refusal(-32601, serde_json::Value::Null), None] {
            let (_node, rpc) = asked_of(vec![answer]).await;
            let fees = recent_fees(&rpc, &[AccountAddress([1; 32])]).await;
            assert_eq!(fees.price(Priority::High, u64::MAX), 0);
        }
    }

    #[test]
    fn one_that_did_not_land_pays_more_the_next_time() {
        assert_eq!(priority(&[]), Priority::Medium);
        assert_eq!(priority(&[Ended::Failed(Why::Poor), Ended::Expired]), Priority::Medium);
        assert_eq!(priority(&[Ended::Expired]), Priority::High);
    }
}
