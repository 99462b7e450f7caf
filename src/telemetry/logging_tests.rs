//! Lines as they are written, what is shown, what is kept.

use super::*;

/// What was written.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Written {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

/// A logger of a test's own.
fn logger(levels: &str, is_json: bool) -> (Logger, Written) {
    let written = Written::default();
    let shared = Arc::new(Shared::new(&levels.parse().unwrap()));
    (Logger::new(shared, is_json, Target::Pipe(Box::new(written.clone()))), written)
}

fn say(logger: &Logger, level: Level, target: &str, message: &str) {
    logger.log(&Record::builder().level(level).target(target).args(format_args!("{message}")).build());
}

#[test]
fn a_line_of_json_is_one_object_with_its_service_and_request() {
    let (logger, written) = logger("info", true);
    let id = request::new_id();
    actix::System::new().block_on(request::within(Some(id), async {
        say(&logger, Level::Warn, "zmart::http::ws::hub", "two\nlines \"quoted\" \u{1b}[31m");
    }));
    say(&logger, Level::Info, "zmart::actors::root", "plain");
    let lines: Vec<serde_json::Value> =
        written.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert_eq!(lines[0]["message"], "two\nlines \"quoted\" \u{1b}[31m");
    assert_eq!(lines[0]["level"], "WARN");
    assert_eq!(lines[0]["target"], "zmart::http::ws::hub");
    assert_eq!(lines[0]["service"], "websocket-server");
    assert_eq!(lines[0]["request_id"], id.to_string());
    assert!(lines[0]["timestamp"].as_str().is_some_and(|at| at.ends_with('Z')));
    assert!(lines[1].get("request_id").is_none() && lines[1].get("service").is_none(), "{}", lines[1]);
}

#[test]
fn nothing_that_is_said_can_look_like_a_line_of_its_own() {
    let (logger, written) = logger("info", false);
    let id = request::new_id();
    actix::System::new().block_on(request::within(Some(id), async {
        say(&logger, Level::Error, "zmart::http", "bad\n[2026-01-01T00:00:00.000Z INFO  zmart] all is well\r\u{7}");
    }));
    let text = written.text();
    let begins = text.lines().filter(|line| line.starts_with('[')).count();
    assert_eq!((begins, text.lines().count()), (1, 2), "{text}");
    assert!(text.contains(&format!(" ERROR zmart::http {id}] bad\n    [2026-")), "{text}");
    assert!(text.ends_with("\\r\\u{7}\n"), "{text}");
}

#[test]
fn levels_are_by_module_and_can_be_set_while_it_runs() {
    let (logger, written) = logger("warn,zmart::journal=debug", false);
    say(&logger, Level::Debug, "zmart::journal::write", "one");
    say(&logger, Level::Info, "zmart::http", "hidden");
    logger.shared.show(&"error,zmart::http=info".parse().unwrap());
    say(&logger, Level::Debug, "zmart::journal::write", "hidden");
    say(&logger, Level::Info, "zmart::http", "two");
    let said: Vec<String> = written.text().lines().map(|line| line.rsplit(' ').next().unwrap().to_owned()).collect();
    assert_eq!(said, ["one", "two"]);
}

#[test]
fn libraries_never_tell_what_they_carry_whatever_is_set() {
    let (logger, written) = logger("trace,tokio_postgres=trace", false);
    say(&logger, Level::Debug, "tokio_postgres::query", "executing statement with parameters: [secret]");
    say(&logger, Level::Trace, "hyper::proto", "authorization: secret");
    say(&logger, Level::Debug, "zmartian", "not ours");
    say(&logger, Level::Info, "tokio_postgres::connection", "NOTICE");
    say(&logger, Level::Trace, "zmart::http", "ours");
    assert_eq!(written.text().lines().count(), 2, "{}", written.text());
}

#[test]
fn levels_that_nobody_can_understand_are_refused_as_a_whole() {
    for good in ["info", "OFF", "info,zmart::journal=debug", "zmart=trace, tokio_postgres=off"] {
        assert!(good.parse::<Levels>().is_ok(), "{good}");
    }
    for bad in ["", "inof", "zmart", "zmart=loud", "zmart=info=debug", "info,", "info/secret", "zm art=info", "=info"] {
        assert!(bad.parse::<Levels>().is_err(), "{bad:?}");
    }
    assert_eq!("x".repeat(LEVELS_BYTES_MAX + 1).parse::<Levels>(), Err(LevelsError::TooLong));
}

#[test]
fn so_many_lines_are_kept_and_so_many_bytes_and_the_oldest_make_room() {
    let (logger, _) = logger("info", false);
    for n in 0..RECENT_MAX + 5 {
        let target = if n % 2 == 0 { "zmart::http" } else { "zmart::actors::monitor::act" };
        say(&logger, Level::Info, target, &n.to_string());
    }
    let messages = |lines: Vec<Line>| lines.into_iter().map(|line| line.message).collect::<Vec<_>>();
    let all = messages(logger.shared.last(usize::MAX, |_| true));
    assert_eq!((all.len(), all[0].as_str()), (RECENT_MAX, "5"));
    assert_eq!(messages(logger.shared.last(2, |_| true)), ["2003", "2004"], "the last ones, oldest first");
    let monitor = logger.shared.last(2, |line| line.service == Some("market-monitor"));
    assert_eq!(messages(monitor), ["2001", "2003"]);
    for _ in 0..RECENT_BYTES_MAX / MESSAGE_BYTES_MAX + 2 {
        say(&logger, Level::Warn, "zmart::http", &"long ".repeat(MESSAGE_BYTES_MAX));
    }
    let kept = logger.shared.last(usize::MAX, |_| true);
    let bytes: usize = kept.iter().map(|line| line.message.len()).sum();
    assert!(bytes <= RECENT_BYTES_MAX && kept.len() > RECENT_BYTES_MAX / MESSAGE_BYTES_MAX / 2, "{bytes}");
    let longest = kept.iter().map(|line| line.message.len()).max();
    assert!(longest.is_some_and(|longest| longest < MESSAGE_BYTES_MAX + 64), "{longest:?}");
    let warned = logger.shared.written[Level::Warn as usize - 1].load(Ordering::Relaxed);
    assert_eq!(warned as usize, RECENT_BYTES_MAX / MESSAGE_BYTES_MAX + 2);
}

#[test]
fn a_module_is_one_services_or_nobodys() {
    assert_eq!(service_of("zmart::http::routes::votes"), Some("api-gateway"));
    assert_eq!(service_of("zmart::http::ws"), Some("websocket-server"));
    assert_eq!(service_of("zmart::http::wsx"), Some("api-gateway"));
    assert_eq!(service_of("zmart::actors::outbox::electorate"), Some("vote-aggregator"));
    assert_eq!(service_of("zmart::journal::write"), None);
    assert_eq!(service_of("actix_server"), None);
}
