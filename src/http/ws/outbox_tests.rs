//! An outbox and a socket that takes as much as it likes.

use proptest::prelude::*;

use super::*;
use crate::domain::ids::{AccountAddress, Epoch, Seq};

/// Takes so many bytes a call, in turn; 0 is a socket that is full.
#[derive(Debug, Default)]
struct Socket {
    taken: Vec<u8>,
    takes: VecDeque<usize>,
    calls: usize,
}

impl Socket {
    fn roomy() -> Self {
        Self { takes: [usize::MAX; 100].into(), ..Self::default() }
    }

    fn texts(&self) -> Vec<String> {
        wire::texts(&self.taken).map(str::to_owned).collect()
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(bytes)])
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.calls += 1;
        let room = self.takes.pop_front().unwrap_or(0);
        if room == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let all: Vec<u8> = slices.iter().flat_map(|slice| slice.iter().copied()).take(room).collect();
        self.taken.extend(&all);
        Ok(all.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn outbox(frames: usize, bytes: usize) -> Rc<Outbox> {
    Outbox::new(frames, bytes, Rc::default(), 0)
}

fn message(bytes: usize) -> Outgoing {
    Outgoing::Message("x".repeat(bytes).into(), Verdict::Neutral)
}

fn pack(seq: u64) -> Arc<FramePack> {
    let texts = [format!("a{seq}").into(), format!("b{seq}").into()];
    Arc::new(FramePack::new(crate::view::frame::Channel::Config(AccountAddress([1; 32])), Epoch(1), Seq(seq), &texts))
}

const WRITTEN: Written = Written { page: false, is_over: false };

#[test]
fn frames_and_bytes_are_bounded_until_they_are_written() {
    let outbox = outbox(3, 110);
    assert_eq!(outbox.push(message(50)), Ok(()));
    assert_eq!(outbox.push(message(60)), Err(Overflow));
    assert_eq!(outbox.push(message(50)), Ok(()));
    assert_eq!(outbox.push(message(0)), Ok(()));
    assert_eq!(outbox.push(message(0)), Err(Overflow));
    // Half a frame is no room for another.
    let now = Instant::now();
    let mut socket = Socket { takes: [20].into(), ..Socket::default() };
    outbox.write_to(&mut socket, now).unwrap();
    assert_eq!(outbox.push(message(0)), Err(Overflow));
    socket.takes = [40].into();
    outbox.write_to(&mut socket, now).unwrap();
    assert_eq!(outbox.push(message(40)), Ok(()));
}

#[test]
fn all_that_waits_is_one_call_and_one_thing_allocates_no_queue() {
    let outbox = outbox(1_000, 100_000);
    outbox.push(Outgoing::Pack(pack(1))).unwrap();
    assert_eq!(outbox.inner.borrow().rest.capacity(), 0);
    (2..=20).for_each(|seq| outbox.push(Outgoing::Pack(pack(seq))).unwrap());
    let mut socket = Socket::roomy();
    assert_eq!(outbox.write_to(&mut socket, Instant::now()).unwrap(), WRITTEN);
    assert_eq!((socket.calls, socket.texts().len()), (1, 40));
    assert_eq!(outbox.inner.borrow().rest.capacity(), 0, "what a burst took is given back");
}

#[test]
fn a_close_drops_what_waits_but_what_is_half_written_and_a_finish_drops_nothing() {
    for (half, is_now, expected) in [
        (0, true, &["close"][..]),
        (1, true, &["first", "close"]),
        (0, false, &["first", "second", "close"]),
        (1, false, &["first", "second", "close"]),
    ] {
        let outbox = outbox(10, 1_000);
        ["first", "second"]
            .into_iter()
            .for_each(|text| outbox.push(Outgoing::Message(text.into(), Verdict::Neutral)).unwrap());
        let mut socket = Socket { takes: [half].into(), ..Socket::default() };
        outbox.write_to(&mut socket, Instant::now()).unwrap();
        if is_now {
            outbox.close(Close::Slow)
        } else {
            outbox.finish(Close::Slow)
        }
        outbox.push(message(1)).unwrap();
        socket.takes = [usize::MAX; 10].into();
        assert!(outbox.write_to(&mut socket, Instant::now()).unwrap().is_over);
        let mut wanted = BytesMut::new();
        for text in expected {
            match *text {
                "close" => wire::put_close(&mut wanted, 4008, Close::Slow.sentence()),
                text => wire::put_text(&mut wanted, text),
            }
        }
        assert_eq!(socket.taken, wanted, "{half} {is_now}");
    }
}

#[test]
fn an_end_is_told_once_and_the_first_one_stands() {
    let outbox = outbox(10, 1_000);
    outbox.echo(Some(3_000));
    outbox.finish(Close::ShuttingDown);
    outbox.close(Close::Slow);
    let mut socket = Socket::roomy();
    assert!(outbox.write_to(&mut socket, Instant::now()).unwrap().is_over);
    assert!(outbox.write_to(&mut socket, Instant::now()).unwrap().is_over);
    assert_eq!(socket.taken, [0x88, 2, 0x0b, 0xb8]);
}

#[test]
fn the_end_of_a_page_is_told_when_its_last_byte_was_written() {
    let outbox = outbox(3, 100);
    outbox.push(Outgoing::Page((1..=200).map(pack).collect())).unwrap();
    outbox.push(message(1)).expect("a page is not counted");
    let whole: usize = (1..=200).map(|seq| pack(seq).wire().len()).sum();
    let mut socket = Socket { takes: [whole - 1].into(), ..Socket::default() };
    // The call takes as many buffers as fit in one.
    while socket.taken.len() < whole - 1 {
        socket.takes = [whole - 1 - socket.taken.len()].into();
        assert_eq!(outbox.write_to(&mut socket, Instant::now()).unwrap(), WRITTEN);
    }
    socket.takes = [1].into();
    assert!(outbox.write_to(&mut socket, Instant::now()).unwrap().page);
}

#[test]
fn ten_mistakes_in_a_row_are_an_end_and_nine_are_not() {
    let outbox = outbox(100, 10_000);
    let strike = || outbox.push(Outgoing::Message("no".into(), Verdict::Strike)).unwrap();
    (0..9).for_each(|_| strike());
    outbox.judge(Verdict::Good);
    (0..9).for_each(|_| strike());
    outbox.push(message(1)).unwrap();
    assert!(!outbox.is_ending());
    strike();
    assert!(outbox.is_ending());
}

#[test]
fn a_reader_that_was_left_out_of_more_than_the_bound_is_slow_once_it_had_its_time() {
    let outbox = outbox(10, 10_000);
    let (start, patience) = (Instant::now(), Duration::from_secs(1));
    outbox.push(message(1)).unwrap();
    assert_eq!(outbox.defer(100, 1, patience, start), Ok(()), "it was not written to yet");
    outbox.write_to(&mut Socket::default(), start).unwrap();
    assert_eq!(outbox.defer(1, 1, patience, start), Ok(()), "it has its time");
    assert_eq!(outbox.defer(1, 1, patience, start + patience), Err(Overflow));
    outbox.write_to(&mut Socket::roomy(), start).unwrap();
    outbox.push(message(1)).unwrap();
    outbox.write_to(&mut Socket::default(), start).unwrap();
    assert_eq!(outbox.defer(9, 1, patience, start + patience), Ok(()), "it took everything before");
}

#[test]
fn a_connection_is_marked_once_until_it_is_written_to() {
    let marks = Rc::new(Marks::default());
    let outbox = Outbox::new(10, 1_000, Rc::clone(&marks), 7);
    let mut taken = vec![99];
    (1..=2).for_each(|bytes| outbox.push(message(bytes)).unwrap());
    marks.take(&mut taken);
    assert_eq!((taken.as_slice(), marks.is_empty()), (&[7][..], true));
    outbox.write_to(&mut Socket::roomy(), Instant::now()).unwrap();
    outbox.finish(Close::Normal);
    marks.take(&mut taken);
    assert_eq!(taken, [7]);
}

#[test]
fn nothing_is_taken_for_a_connection_that_is_gone() {
    let outbox = outbox(1, 100);
    outbox.push(message(1)).unwrap();
    outbox.abandon();
    (0..10).for_each(|_| outbox.push(message(50)).unwrap());
    assert!(outbox.is_abandoned() && outbox.inner.borrow().first.is_none());
}

proptest! {
    #[test]
    fn frames_are_whole_and_in_order_wherever_a_write_is_cut(
        takes in proptest::collection::vec(0usize..40, 1..400), count in 1u64..60,
    ) {
        let outbox = outbox(1_000, 100_000);
        let mut socket = Socket { takes: takes.into(), ..Socket::default() };
        for seq in 1..=count {
            outbox.push(Outgoing::Pack(pack(seq))).unwrap();
            outbox.write_to(&mut socket, Instant::now()).unwrap();
        }
        socket.takes = [usize::MAX; 100].into();
        outbox.write_to(&mut socket, Instant::now()).unwrap();
        let expected: Vec<_> = (1..=count).flat_map(|seq| [format!("a{seq}"), format!("b{seq}")]).collect();
        prop_assert_eq!(socket.texts(), expected);
        prop_assert_eq!((outbox.inner.borrow().frames, outbox.inner.borrow().bytes), (0, 0));
    }
}
