//! Bodies polled by hand, over outboxes that a test fills.

use futures_util::{
    future,
    stream::{self, poll_fn},
};

use super::*;
use crate::{
    domain::ids::{AccountAddress, Epoch, Seq},
    http::ws::outbox::Outbox,
    view::frame::{Channel, FramePack},
};

fn pack(seq: u64, bytes: usize) -> Arc<FramePack> {
    let texts = ["x".repeat(bytes).into()];
    Arc::new(FramePack::new(Channel::Config(AccountAddress([1; 32])), Epoch(1), Seq(seq), &texts))
}

trait More: Fn() -> LocalBoxFuture<'static, bool> + Unpin {}
impl<M: Fn() -> LocalBoxFuture<'static, bool> + Unpin> More for M {}

type Pages = Rc<Cell<u32>>;
type Actor = LocalBoxStream<'static, Result<Bytes, Error>>;

/// With a hub that takes a question at once, or that is gone.
fn body_of(actor: Actor, hub_is_there: bool) -> (SessionBody<impl More>, Arc<Outbox>, Pages) {
    let (outbox, reader) = Outbox::new(1_024, 1024 * 1024);
    let pages = Pages::default();
    let asked = pages.clone();
    let body = SessionBody::new(actor, reader, Strikes::default(), move || {
        asked.set(asked.get() + 1);
        future::ready(hub_is_there).boxed_local()
    });
    (body, outbox, pages)
}

fn body(actor: Actor) -> (SessionBody<impl More>, Arc<Outbox>, Pages) {
    body_of(actor, true)
}

fn next(body: &mut SessionBody<impl More>) -> Option<Bytes> {
    body.next().now_or_never().map(|item| item.expect("the end").unwrap())
}

fn closed(reason: Close) -> BytesMut {
    let mut out = BytesMut::new();
    wire::put_close(&mut out, reason.code(), reason.sentence());
    out
}

#[test]
fn one_frame_goes_on_as_it_is_and_several_together() {
    let (mut body, outbox, _) = body(stream::pending().boxed_local());
    let packs = [pack(1, 300), pack(2, 300), pack(3, 10)];
    outbox.push(Outgoing::Pack(packs[0].clone())).unwrap();
    assert_eq!(next(&mut body).map(|bytes| bytes.as_ptr()), Some(packs[0].wire().as_ptr()), "the same buffer");
    for pack in &packs {
        outbox.push(Outgoing::Pack(pack.clone())).unwrap();
    }
    let all: Vec<u8> = packs.iter().flat_map(|pack| pack.wire().to_vec()).collect();
    assert_eq!(next(&mut body), Some(all.into()));
    assert_eq!(next(&mut body), None);
}

#[test]
fn what_goes_on_together_is_bounded() {
    let (mut body, outbox, _) = body(stream::pending().boxed_local());
    (0..100).for_each(|seq| outbox.push(Outgoing::Pack(pack(seq, 1_000))).unwrap());
    let mut bytes = 0;
    while let Some(batch) = next(&mut body) {
        assert!(batch.len() < BATCH_BYTES + 1_004);
        bytes += batch.len();
    }
    assert_eq!(bytes, 100 * 1_004);
}

#[test]
fn a_page_is_asked_for_when_the_one_before_goes_on() {
    let (mut body, outbox, pages) = body(stream::pending().boxed_local());
    outbox.push(Outgoing::Page(vec![pack(1, 10), pack(2, 10)])).unwrap();
    assert_eq!(pages.get(), 0);
    assert_eq!(next(&mut body).map(|bytes| bytes.len()), Some(24));
    assert_eq!(pages.get(), 1);
}

#[test]
fn a_page_that_nobody_can_be_asked_for_is_the_last() {
    let (mut body, outbox, _) = body_of(stream::pending().boxed_local(), false);
    outbox.push(Outgoing::Page(vec![pack(1, 10)])).unwrap();
    let written = next(&mut body).unwrap();
    assert!(written.starts_with(pack(1, 10).wire()) && written.ends_with(&closed(Close::Restarted)));
    assert!(body.next().now_or_never().unwrap().is_none());
}

#[test]
fn the_actor_is_polled_when_it_was_woken_and_not_for_frames() {
    let polls = Rc::new(Cell::new(0));
    let woken: Rc<Cell<Option<Waker>>> = Rc::default();
    let (counted, kept) = (polls.clone(), woken.clone());
    let actor = poll_fn(move |cx| {
        counted.set(counted.get() + 1);
        kept.set(Some(cx.waker().clone()));
        Poll::<Option<Result<Bytes, Error>>>::Pending
    });
    let (mut body, outbox, _) = body(actor.boxed_local());
    assert_eq!(next(&mut body), None);
    for seq in 0..3 {
        outbox.push(Outgoing::Pack(pack(seq, 10))).unwrap();
        assert!(next(&mut body).is_some());
    }
    assert_eq!(polls.get(), 1);
    woken.take().unwrap().wake();
    assert_eq!(next(&mut body), None);
    assert_eq!(polls.get(), 2);
}

#[test]
fn an_end_comes_after_what_waits_and_nothing_comes_after_it() {
    let (mut body, outbox, _) = body(stream::pending().boxed_local());
    outbox.push(Outgoing::Message("bye".into(), Verdict::Neutral)).unwrap();
    outbox.finish(Close::ShuttingDown);
    let mut expected = BytesMut::new();
    wire::put_text(&mut expected, "bye");
    expected.extend_from_slice(&closed(Close::ShuttingDown));
    assert_eq!(next(&mut body), Some(expected.freeze()));
    assert!(body.next().now_or_never().unwrap().is_none());
}

#[test]
fn the_end_of_the_actor_is_the_end_and_what_it_said_before_is_written() {
    let (mut body, outbox, _) = body(stream::iter([Ok(Bytes::from_static(b"said"))]).boxed_local());
    outbox.push(Outgoing::Pack(pack(1, 10))).unwrap();
    assert_eq!(next(&mut body).as_deref(), Some(&b"said"[..]));
    assert!(body.next().now_or_never().unwrap().is_none());
}

#[test]
fn ten_strikes_in_a_row_among_the_answers_end_it() {
    let (mut body, outbox, _) = body(stream::pending().boxed_local());
    let answer = |verdict| outbox.push(Outgoing::Message("no".into(), verdict)).unwrap();
    (0..9).for_each(|_| answer(Verdict::Strike));
    answer(Verdict::Good);
    (0..9).for_each(|_| answer(Verdict::Strike));
    assert_eq!(next(&mut body).map(|bytes| bytes.len()), Some(19 * 4));
    answer(Verdict::Strike);
    assert!(next(&mut body).unwrap().ends_with(&closed(Close::TooManyBad)));
    assert!(body.next().now_or_never().unwrap().is_none());
}
