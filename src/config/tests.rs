//! Settings as tables: what is set, and what comes of it.

use std::ffi::OsString;
use std::path::Path;

use otto_actors::domain::Shop;
use secrecy::ExposeSecret as _;

use super::*;
use crate::vendors::openai::Api;

type Pairs = &'static [(&'static str, &'static str)];

fn read(pairs: Pairs) -> Result<Settings, Problems> {
    Settings::read(&pairs.iter().copied().collect(), None)
}

fn fine(pairs: Pairs) -> Settings {
    read(pairs).unwrap_or_else(|problems| panic!("{pairs:?}: {problems}"))
}

/// The settings have exactly these problems, each given by its beginning and something else in it.
fn check(pairs: Pairs, expected: &[(&str, &str)]) {
    let problems = read(pairs).map(|_| ()).err().map(|Problems(list)| list).unwrap_or_default();
    let fits =
        problems.iter().zip(expected).all(|(found, (start, part))| found.starts_with(start) && found.contains(part));
    assert!(fits && problems.len() == expected.len(), "{pairs:?}\nfound {problems:#?}\nexpected {expected:#?}");
}

#[test]
fn nothing_set_is_a_server_on_this_machine() {
    let settings = fine(&[]);
    assert_eq!((settings.server.host.to_string().as_str(), settings.server.port), ("127.0.0.1", 8_000));
    assert_eq!((settings.server.max_calls, settings.server.drain.as_secs()), (100, 30));
    assert_eq!(settings.database.url.expose_secret(), "sqlite://otto.db");
    assert_eq!(settings.twilio.api_url.as_str(), "https://api.twilio.com/");
    assert_eq!(settings.deepgram.url.as_str(), "wss://api.deepgram.com/");
    assert_eq!((settings.deepgram.stt_model.as_str(), settings.openai.model.as_str()), ("nova-3", "gpt-6-luna"));
    assert_eq!(settings.openai.base_url.as_str(), "https://api.openai.com/v1");
    assert_eq!(settings.google.token_url.as_str(), "https://oauth2.googleapis.com/token");
    assert_eq!(settings.telemetry.log_format, LogFormat::Text);
    assert!(settings.speculation && !fine(&[("SPECULATION", "off")]).speculation);
    assert_eq!(settings.shop, Shop::default());
    assert!(settings.not_yet_used().is_empty() && settings.unknown().is_empty());
    assert!(settings.redis_url.is_none() && settings.twilio.auth_token.is_none() && settings.openai.api_key.is_none());
}

#[test]
fn empty_is_unset_and_space_around_a_value_is_dropped() {
    let settings = fine(&[("PORT", ""), ("TWILIO_AUTH_TOKEN", "  "), ("OPENAI_MODEL", " gpt-6-terra ")]);
    assert_eq!(settings.server.port, 8_000);
    assert!(settings.twilio.auth_token.is_none());
    assert_eq!(settings.openai.model, "gpt-6-terra");
}

#[test]
fn each_wrong_value_is_named_with_what_is_expected() {
    check(&[("HOST", "localhost")], &[("HOST: found \"localhost\"", "expected an IP address")]);
    check(&[("PORT", "65536")], &[("PORT: found \"65536\"", "0 to 65535")]);
    check(&[("PORT", "http")], &[("PORT: found \"http\"", "0 to 65535")]);
    check(&[("MAX_CALLS", "0")], &[("MAX_CALLS: found \"0\"", "1 to 100000")]);
    check(&[("DRAIN_SECONDS", "-1")], &[("DRAIN_SECONDS: found \"-1\"", "0 to 3600")]);
    check(&[("BASE_URL", "otto.example.com")], &[("BASE_URL: found", "https://")]);
    check(&[("BASE_URL", "http://otto.example.com")], &[("BASE_URL: found", "loopback")]);
    check(&[("BASE_URL", "https://otto.example.com/?a=1")], &[("BASE_URL: found", "query")]);
    check(&[("BASE_URL", "ftp://otto.example.com")], &[("BASE_URL: found", "https://")]);
    check(&[("REDIS_URL", "localhost:6379")], &[("REDIS_URL: found no address", "redis://")]);
    check(&[("TWILIO_ACCOUNT_SID", "SK123")], &[("TWILIO_ACCOUNT_SID: found \"SK123\"", "AC")]);
    check(&[("TWILIO_API_URL", "http://api.twilio.com")], &[("TWILIO_API_URL: found", "loopback")]);
    check(&[("DEEPGRAM_URL", "ws://api.deepgram.com")], &[("DEEPGRAM_URL: found", "loopback")]);
    check(&[("DEEPGRAM_STT_MODEL", "flux-general-en")], &[]);
    check(&[("DEEPGRAM_TTS_MODEL", "aura 2")], &[("DEEPGRAM_TTS_MODEL: found \"aura 2\"", "without spaces")]);
    check(&[("OPENAI_BASE_URL", "https:///v1#x")], &[("OPENAI_BASE_URL: found", "https://api.openai.com/v1")]);
    check(&[("OPENAI_API", "Chat")], &[("OPENAI_API: found \"Chat\"", "\"chat\" or \"responses\"")]);
    check(&[("OTLP_ENDPOINT", "collector:4318")], &[("OTLP_ENDPOINT: found", "expected")]);
    check(&[("SPECULATION", "yes")], &[("SPECULATION: found \"yes\"", "\"off\"")]);
    check(&[("LOG_FORMAT", "xml")], &[("LOG_FORMAT: found \"xml\"", "\"json\"")]);
}

#[test]
fn settings_that_need_each_other() {
    check(&[("HOST", "0.0.0.0")], &[("TWILIO_AUTH_TOKEN: found nothing while HOST is 0.0.0.0", "expected")]);
    check(&[("HOST", "0.0.0.0"), ("TWILIO_AUTH_TOKEN", "t")], &[("BASE_URL: found nothing", "Twilio signs")]);
    check(&[("HOST", "0.0.0.0"), ("TWILIO_AUTH_TOKEN", "t"), ("BASE_URL", "https://otto.example.com")], &[]);
    check(&[("TWILIO_AUTH_TOKEN", "t")], &[]);
    check(
        &[("GOOGLE_CLIENT_ID", "id"), ("GOOGLE_CALENDAR_IDS", "a,b")],
        &[
            ("GOOGLE_CLIENT_SECRET: found nothing while GOOGLE_CLIENT_ID is set", "both or neither"),
            ("GOOGLE_REFRESH_TOKEN: found nothing", "both or neither"),
            ("GOOGLE_CALENDAR_IDS: found 2", "each bay (1)"),
        ],
    );
}

#[test]
fn the_second_model_has_a_server_of_its_own_or_shares_the_first_ones() {
    const MODEL: (&str, &str) = ("FALLBACK_OPENAI_MODEL", "gpt-6-astra");
    const BASE: (&str, &str) = ("FALLBACK_OPENAI_BASE_URL", "https://llm.example.com/v1");
    const KEY: (&str, &str) = ("FALLBACK_OPENAI_API_KEY", "k2");
    assert!(fine(&[]).fallback.is_none());
    let shared = fine(&[MODEL, ("OPENAI_API_KEY", "k1")]).fallback.unwrap();
    assert_eq!((shared.base_url.as_str(), shared.api), ("https://api.openai.com/v1", Api::Responses));
    assert_eq!(shared.api_key.unwrap().expose_secret(), "k1");
    let own = fine(&[("FALLBACK_OPENAI_MODEL", "llama"), BASE, KEY, ("OPENAI_API", "responses")]).fallback.unwrap();
    assert_eq!((own.base_url.as_str(), own.api), (BASE.1, Api::Chat));
    assert_eq!(own.api_key.unwrap().expose_secret(), "k2");
    let local = fine(&[MODEL, ("FALLBACK_OPENAI_BASE_URL", "http://127.0.0.1:9/v1"), ("OPENAI_API_KEY", "k1")]);
    assert!(local.fallback.unwrap().api_key.is_none(), "the first one's key stays with its server");
    for (pairs, missing) in [
        (&[BASE] as Pairs, "FALLBACK_OPENAI_MODEL: found nothing while FALLBACK_OPENAI_BASE_URL"),
        (&[KEY], "FALLBACK_OPENAI_MODEL: found nothing while FALLBACK_OPENAI_API_KEY"),
        (&[MODEL, KEY], "FALLBACK_OPENAI_BASE_URL: found nothing"),
        (&[MODEL, BASE], "FALLBACK_OPENAI_API_KEY: found nothing"),
    ] {
        check(pairs, &[(missing, "or FALLBACK_OPENAI_MODEL alone")]);
    }
    check(&[("FALLBACK_OPENAI_MODEL", "a b")], &[("FALLBACK_OPENAI_MODEL: found \"a b\"", "without spaces")]);
}

#[test]
fn all_problems_are_reported_at_once() {
    let toml = Some("grid_minutes = 1\nbays = []\n");
    let pairs = [("PORT", "x"), ("MAX_CALLS", "x"), ("LOG_FORMAT", "x")];
    let problems = Settings::read(&pairs.into_iter().collect(), toml).unwrap_err();
    assert_eq!(problems.list().len(), 5, "{problems}");
    assert!(problems.to_string().contains("\n  otto.toml: grid_minutes: found 1"), "{problems}");
}

#[test]
fn neither_errors_nor_debug_show_secrets_or_phone_numbers() {
    const SECRET: &str = "hunter2";
    for (name, value) in [
        ("DATABASE_URL", "mysql://otto:hunter2@db/otto"),
        ("DATABASE_URL", "postgres://otto:hunter2@db:port/otto"),
        ("DATABASE_READ_URL", "postgres://otto:hunter2@replica/otto"),
        ("REDIS_URL", "http://:hunter2@redis"),
        ("TWILIO_AUTH_TOKEN", "hunter2 with spaces"),
        ("BASE_URL", "https://otto:hunter2@otto.example.com"),
        ("OPENAI_BASE_URL", "https://hunter2@proxy/v1"),
        ("ESCALATION_NUMBER", "call hunter2"),
    ] {
        let problems = Settings::read(&[(name, value)].into_iter().collect(), None).unwrap_err();
        let text = problems.to_string();
        assert!(text.contains(name) && text.contains("expected") && !text.contains(SECRET), "{text}");
    }
    let names =
        ["TWILIO_AUTH_TOKEN", "DEEPGRAM_API_KEY", "OPENAI_API_KEY", "FALLBACK_OPENAI_API_KEY", "OPERATOR_TOKEN"];
    let mut pairs: Vec<_> = names.into_iter().map(|name| (name, SECRET)).collect();
    pairs.extend([("FALLBACK_OPENAI_MODEL", "m"), ("FALLBACK_OPENAI_BASE_URL", "https://llm.example.com/v1")]);
    pairs.extend([("DATABASE_URL", "postgres://otto:hunter2@db/otto")]);
    pairs.extend([("DATABASE_READ_URL", "postgres://otto:hunter2@replica/otto"), ("DATABASE_POOL", "5")]);
    pairs.extend([("REDIS_URL", "redis://:hunter2@redis/0"), ("ESCALATION_NUMBER", "+15555550123")]);
    let settings = Settings::read(&pairs.into_iter().collect(), None).unwrap();
    let shown = format!("{settings:?}");
    assert!(!shown.contains(SECRET) && !shown.contains("5555550123"), "{shown}");
}

#[test]
fn vendors_can_be_on_this_machine_in_plain() {
    for (set, expected) in [
        ("http://127.0.0.1:9001", "ws://127.0.0.1:9001/"),
        ("ws://localhost:9001/", "ws://localhost:9001/"),
        ("ws://[::1]:9001/deepgram/", "ws://[::1]:9001/deepgram"),
        ("https://api.eu.deepgram.com", "wss://api.eu.deepgram.com/"),
    ] {
        let settings = Settings::read(&[("DEEPGRAM_URL", set)].into_iter().collect(), None).unwrap();
        assert_eq!(settings.deepgram.url.as_str(), expected, "{set}");
    }
    let settings = fine(&[("OPENAI_BASE_URL", "http://127.0.0.1:9002/v1/"), ("TWILIO_API_URL", "http://[::1]:9003")]);
    assert_eq!(settings.openai.base_url.as_str(), "http://127.0.0.1:9002/v1");
    assert_eq!(settings.twilio.api_url.as_str(), "http://[::1]:9003/");
}

#[test]
fn the_public_address_is_the_one_set_or_the_one_bound() {
    let bound = |text: &str| text.parse().unwrap();
    let server = fine(&[]).server;
    assert_eq!(server.public_url(bound("127.0.0.1:41000")).as_str(), "http://127.0.0.1:41000/");
    assert_eq!(server.public_url(bound("0.0.0.0:80")).as_str(), "http://127.0.0.1/");
    let server = fine(&[("BASE_URL", "https://otto.example.com/phone/")]).server;
    assert_eq!(server.public_url(bound("127.0.0.1:41000")).as_str(), "https://otto.example.com/phone");
}

#[test]
fn what_is_not_used_and_what_is_not_known_is_told() {
    let settings = fine(&[
        ("OPERATOR_TOKEN", "t"),
        ("OTLP_ENDPOINT", "http://127.0.0.1:9004"),
        ("OPENAI_MODLE", "gpt"),
        ("TWILIO_SID", "AC1"),
        ("OTTO_TEST_REDIS_URL", "redis://127.0.0.1"),
        ("PATH", "/bin"),
    ]);
    assert_eq!(settings.not_yet_used(), ["OTLP_ENDPOINT"]);
    assert_eq!(settings.unknown(), ["OPENAI_MODLE", "TWILIO_SID"]);
}

#[test]
fn the_environment_wins_over_the_file_and_a_bad_line_is_not_quoted() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(".env");
    std::fs::write(&file, "# comment\nPORT=1\nHOST=127.0.0.2\nOPENAI_API_KEY='a$b'\n").unwrap();
    let process = || [(OsString::from("PORT"), OsString::from("2"))].into_iter();
    let (environment, problems) = Environment::gather(process(), &file);
    assert_eq!((environment.get("PORT"), environment.get("HOST")), (Some("2"), Some("127.0.0.2")));
    assert_eq!((environment.get("OPENAI_API_KEY"), problems.len()), (Some("a$b"), 0));
    std::fs::write(&file, "PORT=1\nhunter2 hunter2\n").unwrap();
    let (_, problems) = Environment::gather(process(), &file);
    assert!(problems.len() == 1 && problems[0].contains("after 1 settings") && !problems[0].contains("hunter2"));
    let (_, problems) = Environment::gather(process(), &folder.path().join("none"));
    assert!(problems.is_empty());
}

fn shop(text: &str) -> Result<Shop, String> {
    Settings::read(&Environment::default(), Some(text)).map(|settings| settings.shop).map_err(|e| e.to_string())
}

#[test]
fn the_shop_is_read_over_the_defaults() {
    let read = shop("name = \"Ada's\"\nlunch = false\nholidays = [\"2026-12-25\", 2027-01-01]\n").unwrap();
    let holidays = ["2026-12-25", "2027-01-01"].map(|date| date.parse().unwrap()).into();
    assert_eq!(read, Shop { name: "Ada's".into(), lunch: None, holidays, ..Shop::default() });
    for (text, expected) in [
        ("nmae = \"x\"", "nmae"),
        ("[hours]\nmonday = { from = \"9\", to = \"17:00\" }", "expected a time such as"),
        ("[hours]\nmonady = { from = \"09:00\", to = \"17:00\" }", "monady"),
        ("time_zone = \"Springfield\"", "Springfield"),
        ("lunch = true", "lunch"),
        ("languages = [\"en\", \"fr\"]", "languages: found \"fr\""),
        ("[listening.fr]\nbackchannels = [\"oui\"]", "languages: found \"en\""),
        ("name = ", "otto.toml: TOML parse error at line 1"),
    ] {
        let problem = shop(text).unwrap_err();
        assert!(problem.contains("otto.toml: ") && problem.contains(expected), "{text}: {problem}");
    }
}

#[test]
fn the_examples_are_complete_and_say_the_defaults() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join("deploy/otto.example.toml")).unwrap();
    assert_eq!(shop(&text).unwrap(), Shop::default());
    let keys = |table: &toml::Table| table.keys().cloned().collect::<Vec<_>>();
    let (example, defaults): (toml::Table, _) =
        (text.parse().unwrap(), toml::Table::try_from(Shop::default()).unwrap());
    assert_eq!(keys(&example), keys(&defaults), "every key is shown");

    let (example, problems) = Environment::gather(std::iter::empty(), &root.join(".env.example"));
    assert!(problems.is_empty(), "{problems:?}");
    let settings = Settings::read(&example, None).unwrap();
    assert_eq!(format!("{settings:?}"), format!("{:?}", fine(&[])));
    let text = std::fs::read_to_string(root.join(".env.example")).unwrap();
    for name in settings::KNOWN {
        assert!(text.contains(&format!("\n{name}=")), "{name} is missing in .env.example");
    }
}
