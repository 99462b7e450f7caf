//! The windows of the leaderboard: what falls out of them as time goes on.
//!
//! Owns the one rule: a wallet's row in a window is the sum of its hours from the window's `from_hour` on. Moving it by an
//! hour takes that hour's rows off, in one transaction with the new `from_hour`.

use super::{
    super::{JournalError, lease::Leased},
    locked,
};
use crate::domain::ledger::UnixHour;

/// Takes one hour off a window that reaches too far back; true if there was one, and there may be more. A window holds
/// the running hour and as many whole ones before it as it is long.
///
/// # Errors
/// [`JournalError`]: nothing was done; try again.
pub async fn move_windows(pool: &Leased, now: UnixHour) -> Result<bool, JournalError> {
    const BEHIND: &str = "
        SELECT name, from_hour, $1 - hours FROM leaderboard_windows WHERE from_hour < $1 - hours ORDER BY name LIMIT 1";
    const NEXT: &str = "SELECT hour FROM wallet_hours WHERE hour >= $1 AND hour < $2 ORDER BY hour LIMIT 1";
    const TAKE_OFF: &str = "
        UPDATE leaderboard l SET trades = l.trades - w.trades, volume = l.volume - w.volume,
            realised = l.realised - w.realised, decided = l.decided - w.decided, correct = l.correct - w.correct
        FROM wallet_hours w WHERE w.hour = $2 AND l.period = $1 AND l.wallet = w.wallet";
    const REMOVE: &str = "
        DELETE FROM leaderboard l USING wallet_hours w
        WHERE w.hour = $2 AND l.period = $1 AND l.wallet = w.wallet
          AND l.trades = 0 AND l.volume = 0 AND l.realised = 0 AND l.decided = 0";
    let mut client = pool.get().await?;
    let tx = pool.begin(&mut client).await?;
    let behind = tx.query_opt(BEHIND, &[&now.0]).await?;
    let Some(window) = behind.filter(|window| window.try_get::<_, i64>(2).is_ok()) else { return Ok(false) };
    if !locked(&tx).await? {
        return Ok(false);
    }
    let (name, from, wanted): (String, i64, i64) = (window.get(0), window.get(1), window.get(2));
    let mut reached = wanted;
    if let Some(next) = tx.query_opt(NEXT, &[&from, &wanted]).await? {
        let hour: i64 = next.get(0);
        for sql in [TAKE_OFF, REMOVE] {
            tx.execute(sql, &[&name, &hour]).await?;
        }
        reached = hour + 1;
    }
    // Nobody else moved it meanwhile: that would have needed the lock.
    let moved = "UPDATE leaderboard_windows SET from_hour = $2 WHERE name = $1 AND from_hour = $3";
    if tx.execute(moved, &[&name, &reached, &from]).await? == 0 {
        return Ok(true);
    }
    tx.commit().await?;
    Ok(true)
}
