//! The id of the request that is being answered: who works for it can name it without being told.
//!
//! It is born where a request comes in (HTTP: the envelope; WebSocket: a command), goes with the task that answers it, stands in
//! every line that is logged there, and is written down with what the request writes (`journal::rights`): so an entry of the
//! journal, and the frame that tells it, name the request that caused them. Never taken from outside: a client can't choose
//! what stands in our logs.

use futures_util::future::Either;
use uuid::Uuid;

tokio::task_local! {
    static CURRENT: Uuid;
}

/// A new one; later ones are greater.
pub fn new_id() -> Uuid {
    Uuid::now_v7()
}

/// The request that this task answers, if it answers one.
pub fn current() -> Option<Uuid> {
    CURRENT.try_with(|id| *id).ok()
}

/// This work answers that request, if it is one's; whichever task does it.
pub fn within<F: Future>(id: Option<Uuid>, work: F) -> impl Future<Output = F::Output> {
    match id {
        Some(id) => Either::Left(CURRENT.scope(id, work)),
        None => Either::Right(work),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_known_within_its_request_and_nowhere_else() {
        actix::System::new().block_on(async {
            let (one, other) = (new_id(), new_id());
            assert!(one < other);
            let answers = async |id| {
                within(Some(id), async {
                    tokio::task::yield_now().await;
                    current()
                })
                .await
            };
            let (first, second) = tokio::join!(answers(one), answers(other));
            assert_eq!((first, second), (Some(one), Some(other)), "two that are answered by turns");
            assert_eq!(current(), None);
            // Another task has to be told: an actor's handler, for one.
            let elsewhere = within(Some(one), async { tokio::spawn(within(current(), async { current() })).await });
            assert_eq!(elsewhere.await.unwrap(), Some(one));
            assert_eq!(within(None, async { current() }).await, None);
        });
    }
}
