//! What an operator takes (images, the compose file, the unit, the proxy's example, `scripts/dev`) names settings: each must
//! exist, and nothing secret may get into an image.

use std::{collections::BTreeSet, fs, path::Path};

/// Of others than the engine: PostgreSQL's image, the development chain.
const OF_OTHERS: &[&str] = &["POSTGRES_PASSWORD", "POSTGRES_DB", "LOCALNET_HOST"];

fn read(file: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file))
        .unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// The name of a setting at the beginning of a text, if what follows it is that sign.
fn named(text: &str, sign: char) -> Option<&str> {
    let end = text.find(|c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'))?;
    (end > 2 && text[end..].starts_with(sign)).then(|| &text[..end])
}

/// Settings as `zmart config example` lists them.
fn known() -> BTreeSet<String> {
    let example = read(".env.example");
    example.lines().filter_map(|line| named(line.trim_start_matches("# "), '=')).map(str::to_owned).collect()
}

#[test]
fn what_an_operator_takes_names_only_settings_that_exist() {
    let known = known();
    assert!(known.len() > 50, "{known:?}");
    let words = |file: &str| -> Vec<String> { read(file).split_whitespace().map(str::to_owned).collect() };
    let mut named_in: Vec<(&str, String)> = Vec::new();
    for line in read("compose.yaml").lines() {
        named_in.extend(named(line.trim_start(), ':').map(|name| ("compose.yaml", name.to_owned())));
    }
    for line in read("deploy/systemd/zmart.service").lines() {
        let set = line.strip_prefix("Environment=").and_then(|set| named(set, '='));
        named_in.extend(set.map(|name| ("the unit", name.to_owned())));
    }
    for (file, place) in [("Dockerfile", "the Dockerfile"), ("deploy/nginx/zmart.conf", "the proxy's example")] {
        named_in.extend(words(file).iter().filter_map(|word| named(word, '=')).map(|name| (place, name.to_owned())));
    }
    let dev = read("scripts/dev");
    let settings = dev.split("cat >\"$state/env\" <<EOF\n").nth(1).and_then(|rest| rest.split("\nEOF").next()).unwrap();
    named_in.extend(settings.lines().filter_map(|line| named(line, '=')).map(|name| ("scripts/dev", name.to_owned())));
    for place in ["compose.yaml", "the unit", "the Dockerfile", "the proxy's example", "scripts/dev"] {
        assert!(named_in.iter().any(|(found, _)| *found == place), "{place} names nothing: is it read rightly?");
    }
    for (place, name) in named_in {
        assert!(known.contains(&name) || OF_OTHERS.contains(&name.as_str()), "{place} has {name}, which is no setting");
    }
}

#[test]
fn no_key_and_no_setting_gets_into_an_image_or_the_repository() {
    let (image, repository) = (read(".dockerignore"), read(".gitignore"));
    for kept_out in [".git", ".env", ".zmart", "**/keys", "**/*keypair*.json", "**/id.json", "target"] {
        assert!(image.lines().any(|line| line == kept_out), ".dockerignore lets {kept_out} in");
    }
    for kept_out in ["/.env", "/.zmart/"] {
        assert!(repository.lines().any(|line| line == kept_out), ".gitignore lets {kept_out} in");
    }
    // Who is root in a container may be root outside.
    let stages: Vec<String> = read("Dockerfile").split("\nFROM ").map(str::to_owned).collect();
    let base = stages.iter().find(|stage| stage.starts_with("debian")).unwrap();
    assert!(base.contains("\nUSER 10001:10001"), "{base}");
    assert!(stages.iter().all(|stage| !stage.contains("\nUSER root")));
}
