//! What is found in a text, what only looks like it, and what is done with it.

use std::time::{Duration, Instant};

use text_hygiene::{Kind, Mode, apply, apply_to, find, iban_is_valid, luhn_is_valid};

/// What was found, as it is written.
fn found(text: &str) -> Vec<(Kind, &str)> {
    find(text).into_iter().map(|one| (one.kind, &text[one.start..one.end])).collect()
}

fn only(kind: Kind, text: &str) -> Vec<&str> {
    found(text).into_iter().filter(|(one, _)| *one == kind).map(|(_, text)| text).collect()
}

#[test]
fn numbers_of_public_test_sets_are_judged_rightly() {
    for good in [
        "4111111111111111",
        "5555555555554444",
        "378282246310005",
        "6011111111111117",
        "30569309025904",
        "79927398713",
    ] {
        assert!(luhn_is_valid(good), "{good}");
        let wrong =
            format!("{}{}", &good[..good.len() - 1], (good.as_bytes()[good.len() - 1] - b'0' + 1) % 10);
        assert!(!luhn_is_valid(&wrong), "{wrong}");
    }
    assert!(!luhn_is_valid("") && !luhn_is_valid("0") && !luhn_is_valid("4111 1111"));
    for good in [
        "GB82WEST12345698765432",
        "DE89370400440532013000",
        "FR1420041010050500013M02606",
        "NO9386011117947",
        "CH9300762011623852957",
        "MT84MALT011000012345MTLCAST001S",
    ] {
        assert!(iban_is_valid(good), "{good}");
    }
    for bad in [
        "GB82WEST12345698765433",
        "DE8937040044053201300",
        "ZZ82WEST12345698765432",
        "GB",
        "",
        "gb82west12345698765432",
    ] {
        assert!(!iban_is_valid(bad), "{bad}");
    }
}

#[test]
fn addresses_of_mail_are_found_in_prose_and_code() {
    for (text, is) in [
        ("Write to jane.doe+lists@mail.uni-koeln.de, please", "jane.doe+lists@mail.uni-koeln.de"),
        ("<mailto:bob@corp.co.uk>", "bob@corp.co.uk"),
        ("AUTHOR = \"o'neil@site.io\"", "neil@site.io"),
        ("müller@bücher.de.", "müller@bücher.de"),
        ("user@xn--80ak6aa92e.com", "user@xn--80ak6aa92e.com"),
        ("(a@b.co)", "a@b.co"),
        ("https://x.org/?to=bob@corp.com&x", "bob@corp.com"),
        ("mail me: bob@corp.zuerich", "bob@corp.zuerich"),
        ("jane [at] corp [dot] com or so", "jane [at] corp [dot] com"),
        ("jane(at)corp.com", "jane(at)corp.com"),
        ("\u{8054}\u{7cfb}bob@corp.com\u{8c22}\u{8c22}", "bob@corp.com"),
        ("bob@\u{516c}\u{53f8}.cn", "bob@\u{516c}\u{53f8}.cn"),
    ] {
        assert_eq!(only(Kind::Email, text), [is], "{text}");
    }
    for text in [
        "git@github.com:a/b.git",
        "deploy@host.com:/srv/x",
        "icon@2x.png",
        "npm i @types/node@20.1.0",
        "lodash@4.17.21",
        "a@example.com and b@mail.example.org",
        "noreply@corp.com",
        "getty@tty1.service",
        "@app.route('/x')",
        "y = A@B.T",
        "z = a@b.transpose()",
        "https://user:pw@host.com/x",
        "@bob@mastodon.social",
        "x@y",
        "x@.com",
        "x@y.c",
        "see [at] the end",
        "a..b@corp.com",
        "12345+bob@users.noreply.github.com",
    ] {
        assert_eq!(only(Kind::Email, text), [""; 0], "{text}");
    }
}

#[test]
fn addresses_of_hosts_are_found_and_versions_are_not() {
    for (text, is) in [
        ("ping 8.8.8.8", "8.8.8.8"),
        ("from 203.0.114.7:8080.", "203.0.114.7"),
        ("ssh root@93.184.216.34", "93.184.216.34"),
        ("2400:c401::5054:ff:fe1b:b031 up", "2400:c401::5054:ff:fe1b:b031"),
        ("[2606:4700::1111]:443", "2606:4700::1111"),
        ("host is 93.184.216.34.", "93.184.216.34"),
    ] {
        assert_eq!(only(Kind::Ip, text), [is], "{text}");
    }
    for text in [
        "192.168.0.1",
        "10.0.0.1:80",
        "127.0.0.1",
        "fe80::1",
        "::1",
        "2001:db8::1",
        "198.51.100.7",
        "fd00::12",
    ] {
        let kinds: Vec<Kind> = found(text).into_iter().map(|(kind, _)| kind).collect();
        assert_eq!(kinds, [Kind::PrivateIp], "{text}");
    }
    for text in [
        "version 93.184.216.34",
        "v1.2.3.4",
        "Chrome/114.0.0.0",
        "Version=4.0.0.0",
        "foo-1.2.3.4.tar.gz",
        "1.2.3.4.5",
        "256.1.1.1",
        "Challenge 2021:: one",
        "at 12:34:56",
        "std::dec::abc",
        "abc::def",
        "a::b",
        "::f1()",
        "1:2:3:4",
        "00:1a:2b:3c:4d:5e",
        "driver 45.23.11.99",
        "x.93.184.216.34",
        "a = b[1::2]",
        "093.184.216.34",
        "Qt 5.12.3.1",
    ] {
        assert!(!found(text).iter().any(|(kind, _)| matches!(kind, Kind::Ip | Kind::PrivateIp)), "{text}");
    }
}

#[test]
fn both_ends_of_a_range_are_addresses() {
    assert_eq!(only(Kind::Ip, "93.184.216.34-93.184.216.40"), ["93.184.216.34", "93.184.216.40"]);
    assert_eq!(only(Kind::Ip, "lib-93.184.216.34 and 93.184.216.34-beta"), [""; 0]);
}

#[test]
fn cards_and_accounts_are_found_in_their_groupings_only() {
    for text in [
        "4012888888881881",
        "4012-8888-8888-1881",
        "4012 8888 8888 1881",
        "3782 822463 10005",
        "my card: 122000000000003",
    ] {
        assert_eq!(only(Kind::Card, text).len(), 1, "{text}");
    }
    assert_eq!(only(Kind::Card, "4012888888881881 4012-8888-8888-1881 4012 8888 8888 1881").len(), 3);
    assert_eq!(only(Kind::Card, "4012 8888 8888 1881 12 2027"), ["4012 8888 8888 1881"]);
    for text in [
        "4012888888881882",
        "0.4012888888881881",
        "id/4012888888881881",
        "40 12 88 88 88 88 18 81",
        "a4012888888881881",
        "4012-8888 8888-1881",
        "4018 4349 4220 4632 5041 5490 6775",
        "4012 8888 8888 1881 4018 4349",
        "1748503543012",
        "4444444444444444",
        "1700000000000000",
    ] {
        assert_eq!(only(Kind::Card, text), [""; 0], "{text}");
    }
    for text in ["GB82 WEST 1234 5698 7654 32", "pay to DE89370400440532013000.", "IBAN:NO93-8601-1117-947"] {
        assert_eq!(only(Kind::Iban, text).len(), 1, "{text}");
    }
    for text in ["GB82 WEST 1234 5698 7654 33", "XGB82WEST12345698765432", "GB82WEST123456987654321", "DE89"]
    {
        assert_eq!(only(Kind::Iban, text), [""; 0], "{text}");
    }
}

#[test]
fn phones_need_a_country_a_form_or_a_word() {
    for (text, is) in [
        ("+44 (20) 7123 4567", "+44 (20) 7123 4567"),
        ("reach me at +49 30 1234567, thanks", "+49 30 1234567"),
        ("+1 415 555 0132", "+1 415 555 0132"),
        ("(415) 555-0132", "(415) 555-0132"),
        ("US: 415-555-0132", "415-555-0132"),
        ("phone: 09-7625400", "09-7625400"),
        ("Tel. 0221 4701234", "0221 4701234"),
        ("电话：13812345678", "13812345678"),
        ("My Japanese number is 090-1234-5678", "090-1234-5678"),
        ("tel:0221-4701234", "0221-4701234"),
    ] {
        assert_eq!(only(Kind::Phone, text), [is], "{text}");
    }
    for text in [
        "commit 13812345678",
        "09-7625400",
        "+0000",
        "2024-01-02 09:30:00 +0200",
        "@@ -120,7 +120,9 @@",
        "+12345678",
        "part no. 123-456-7890",
        "id 1415-555-0132",
        "phone support since 01.02.2024",
        "x = a +49301234567890123",
        "call f(0123456789abc)",
        "version 12.10.2024.1",
        "phone: 00000000",
        "call at line 12345678",
        "3.14159265358979",
    ] {
        assert_eq!(only(Kind::Phone, text), [""; 0], "{text}");
    }
}

#[test]
fn secrets_are_found_by_what_they_begin_with_and_where_they_stand() {
    // Put together here, so that no scanner takes this file for a leak.
    let alpha = "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7cF0iL3oR6uX9x";
    let of = |prefix: &str, length: usize| format!("{prefix}{}", &alpha.repeat(6)[..length]);
    for secret in [
        of("ghp_", 36),
        of("github_pat_", 60),
        of("glpat-", 20),
        of("AIza", 35),
        of("sk_live_", 24),
        of("sk-proj-", 48),
        of("xoxb-", 40),
        of("hf_", 34),
        of("npm_", 36),
        format!("AKIA{}", "Q3RT5UVW7XYZ2ABC"),
    ] {
        for text in [format!("use {secret} now"), format!("token = \"{secret}\""), format!("`{secret}`")] {
            assert_eq!(only(Kind::Secret, &text), [secret.as_str()], "{text}");
        }
    }
    let jwt = format!("eyJ{}.eyJ{}.{}", &alpha[..20], &alpha[..30], &alpha[..40]);
    assert_eq!(only(Kind::Secret, &format!("Bearer {jwt}")), [jwt.as_str()]);
    let pem = format!("-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----", alpha.repeat(8));
    assert_eq!(only(Kind::Secret, &format!("x\n{pem}\ny")), [pem.as_str()]);
    let cut = format!("-----BEGIN PRIVATE KEY-----\n{}\n", alpha.repeat(4));
    assert_eq!(only(Kind::Secret, &format!("{cut}[...] and so on")), [cut.as_str()]);
    for (text, is) in [
        ("postgres://app:hunter42@db.corp.com/x", "hunter42"),
        ("password = \"tr0ub4dor&3\"", "tr0ub4dor&3"),
        ("{\"api_key\": \"9f8e7d6c5b4a3f2e1d\"}", "9f8e7d6c5b4a3f2e1d"),
        ("DB_PASSWORD=s3cr3tpaSs99\nx", "s3cr3tpaSs99"),
        ("password: Zx81kQp0", "Zx81kQp0"),
    ] {
        assert_eq!(only(Kind::Secret, text), [is], "{text}");
    }
    for text in [
        "password = input('Password: ')",
        "password: your_password1",
        "api_key = os.environ['KEY1']",
        "secret = None",
        "password = \"changeme123\"",
        "token = tokenizer.next1()",
        "https://user:${PASS}@host.com",
        "passwords: 12345678",
        "sk-learn",
        "sk-this-is-just-a-hyphenated-name",
        "password=<redacted1>",
        "AKIAAAAAAAAAAAAAAAAA",
        "a file with -----BEGIN PRIVATE KEY----- in its first line is a key, which nobody should post here or anywhere at all",
        "-----BEGIN PUBLIC KEY-----\nabc\n-----END PUBLIC KEY-----",
        "password: the one that you got by mail",
        "ghp_short",
        "http://a:b/c@d",
    ] {
        assert_eq!(only(Kind::Secret, text), [""; 0], "{text}");
    }
}

#[test]
fn plain_prose_and_code_hold_nothing() {
    let text = "Since version 3.12.0.4 the loop at line 1234567 runs 4 times; see RFC 9110, section 4.2.1.7, and the table on \
        page 12-14 (ISBN 978-3-16-148410-0). At 2024-05-17 08:30:00.123456 the job 1715934600000 took 3.1415926535 s.\n\
        let x: Vec<std::net::IpAddr> = a[1..2].to_vec(); // 0xDEADBEEF 550e8400-e29b-41d4-a716-446655440000\n\
        #include <a.h> ratio 16:9, 1:2:3, x@y, @decorator, sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n\
        The score was 100-200-3000, prices 1,299.99 to 12.345.678,90 EUR; call me maybe, my number one is you.";
    assert_eq!(found(text), []);
}

const TEXT: &str = "Ask bob@corp.com (93.184.216.34, not 10.0.0.1) or BOB@corp.com; eve@corp.com has +49 30 1234567, \
    card 4012 8888 8888 1881, DE89370400440532013000.\n```\npassword = \"tr0ub4dor&3\"\n```\n";

#[test]
fn tags_are_the_same_for_the_same_value() {
    let cleaned = apply(TEXT, &Mode::Tag);
    assert_eq!(
        cleaned.text,
        "Ask [EMAIL_1] ([IP_1], not 10.0.0.1) or [EMAIL_1]; [EMAIL_2] has [PHONE_1], \
         card [CARD_1], [IBAN_1].\n```\npassword = \"[SECRET_1]\"\n```\n"
    );
    assert_eq!(cleaned.counts[&Kind::Email], 3);
    assert_eq!(cleaned.counts[&Kind::PrivateIp], 1);
    assert_eq!(cleaned.counts.values().sum::<u64>(), 9);
    assert!(apply_to(TEXT, &Mode::Tag, |_| true).text.contains("not [PRIVATE_IP_1]"));
}

#[test]
fn a_report_changes_nothing_and_a_drop_takes_out() {
    let report = apply(TEXT, &Mode::Report);
    assert_eq!((report.text.as_str(), report.counts.values().sum::<u64>()), (TEXT, 9));
    assert_eq!(report.findings[0].masked(TEXT), "bo… (12 characters)");
    let dropped = apply(TEXT, &Mode::Drop).text;
    assert!(
        dropped.starts_with("Ask  (, not 10.0.0.1) or ;") && dropped.contains("password = \"\""),
        "{dropped}"
    );
}

#[test]
fn fakes_are_nobodys_and_always_the_same() {
    let once = apply(TEXT, &Mode::Fake);
    assert_eq!(once.text, apply(TEXT, &Mode::Fake).text);
    for real in ["corp.com", "93.184", "1234567", "8888", "0532013000", "tr0ub4dor"] {
        assert!(!once.text.contains(real), "{real}: {}", once.text);
    }
    let again = find(&once.text);
    assert!(
        !again.iter().any(|one| matches!(one.kind, Kind::Email | Kind::Ip | Kind::Secret)),
        "{}",
        once.text
    );
    assert_eq!(only(Kind::Card, &once.text).len(), 1, "a fake card keeps its form: {}", once.text);
    assert_eq!(only(Kind::Iban, &once.text).len(), 1);
    let emails: Vec<&str> =
        once.text.split_whitespace().filter(|word| word.contains("@example.com")).collect();
    assert_eq!(emails[0], emails[1].trim_end_matches(';'));
    assert_ne!(emails[0], emails[2]);
}

#[test]
fn hashes_hang_on_the_key() {
    let hashed = |key: &str, text: &str| apply(text, &Mode::Hash { key: key.as_bytes().to_vec() }).text;
    assert_eq!(hashed("k", "bob@corp.com"), hashed("k", "Bob@Corp.com"));
    assert_ne!(hashed("k", "bob@corp.com"), hashed("l", "bob@corp.com"));
    assert_ne!(hashed("k", "bob@corp.com"), hashed("k", "eve@corp.com"));
    let text = hashed("", "bob@corp.com");
    assert!(text.starts_with("[EMAIL:") && text.len() == "[EMAIL:]".len() + 12, "{text}");
    assert_eq!(format!("{:?}", Mode::Hash { key: b"k".to_vec() }), "Hash", "a key is not shown");
}

#[test]
fn no_text_makes_it_fail_or_slow() {
    let words = [
        "@",
        "a",
        "é",
        ".",
        "..",
        "com",
        "[at]",
        "(",
        ")",
        "+49",
        " ",
        "4111",
        "-",
        "1111",
        "GB82",
        "WEST",
        "1.2.3.4",
        "::",
        "password",
        "=",
        "\"",
        "://",
        ":",
        "eyJ",
        "-----BEGIN ",
        "PRIVATE KEY",
        "\n",
        "日本",
        "0",
        "sk-",
        "[",
        "dot",
        "]",
        "_",
    ];
    let mut random = fastrand::Rng::with_seed(11);
    for _ in 0..20_000 {
        let text: String = (0..random.usize(..24)).map(|_| words[random.usize(..words.len())]).collect();
        let findings = find(&text);
        assert!(findings.windows(2).all(|pair| pair[0].end <= pair[1].start));
        for mode in [Mode::Tag, Mode::Fake, Mode::Drop] {
            let _ = apply(&text, &mode);
        }
    }
    for unit in [
        "@a.",
        "1 ",
        "+1",
        "a:",
        "://",
        "-----BEGIN ",
        "(at)",
        "eyJ.",
        "1.1.",
        "AB12",
        "password=",
        "-----BEGIN PRIVATE KEY-----\n",
        "[at] a [dot] ",
    ] {
        let text = unit.repeat(100_000 / unit.len());
        let begun = Instant::now();
        let _ = find(&text);
        assert!(begun.elapsed() < Duration::from_secs(5), "{unit}: {:?}", begun.elapsed());
    }
}
