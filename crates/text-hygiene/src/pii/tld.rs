//! Top-level domains: enough of them to tell an address from code.

/// All of two letters that are delegated.
const OF_COUNTRIES: &str = "ac ad ae af ag ai al am ao aq ar as at au aw ax az ba bb bd be bf bg bh bi bj bm bn bo br bs bt bw \
    by bz ca cc cd cf cg ch ci ck cl cm cn co cr cu cv cw cx cy cz de dj dk dm do dz ec ee eg er es et eu fi fj fk fm fo \
    fr ga gb gd ge gf gg gh gi gl gm gn gp gq gr gs gt gu gw gy hk hm hn hr ht hu id ie il im in io iq ir is it je jm jo \
    jp ke kg kh ki km kn kp kr kw ky kz la lb lc li lk lr ls lt lu lv ly ma mc md me mg mh mk ml mm mn mo mp mq mr ms mt \
    mu mv mw mx my mz na nc ne nf ng ni nl no np nr nu nz om pa pe pf pg ph pk pl pm pn pr ps pt pw py qa re ro rs ru rw \
    sa sb sc sd se sg sh si sk sl sm sn so sr ss st su sv sx sy sz tc td tf tg th tj tk tl tm tn to tr tt tv tw tz ua ug \
    uk us uy uz va vc ve vg vi vn vu wf ws ye yt za zm zw";

/// Those of more letters under which people have mail.
const COMMON: &str = "com org net edu gov mil int info biz name pro museum coop aero jobs mobi travel tel cat asia post xxx \
    academy agency ai app art bank bar berlin best bike blog book build builders business buzz cafe cam camp capital \
    care cash center chat church city click clinic cloud club coach codes coffee community company computer consulting \
    cool credit dance data dating deals delivery dental design dev digital direct directory dog domains download earth \
    education email energy engineer engineering enterprises equipment estate events exchange expert express family fans \
    farm fashion finance financial fish fit fitness flights foundation fun fund fyi gallery game games garden gift gifts \
    global gmbh gold golf graphics green group guide guru hamburg health help holdings house icu immo inc ink institute \
    international investments jetzt koeln land lat law legal life limited link live llc loan london love ltd market \
    marketing media men moe money moscow movie network news ninja nyc one online ooo open page partners parts party pet \
    photo photography photos pictures pizza place plus press pub quest racing realty recipes red reise reisen report \
    rest review reviews rip rocks rodeo ruhr run sale school science search security services sexy shop show site ski \
    social software solar solutions space store stream studio style support surf swiss systems tax team tech technology \
    tips today tokyo tools top tours town toys trade training tube university uno vegas ventures vet video vip vision \
    wang watch webcam website wien wiki win wine work works world wtf xyz yoga zone";

/// Whether a text in lower case is a domain that mail is known to go to: delegated to a country, internationalised, or
/// common.
pub(super) fn is_known(tld: &str) -> bool {
    let among = |list: &str| list.split_ascii_whitespace().any(|one| one == tld);
    match tld.len() {
        _ if !tld.is_ascii() || tld.starts_with("xn--") => true,
        2 => among(OF_COUNTRIES),
        _ => among(COMMON),
    }
}

/// Whether a text in lower case could be one at all, and is not the ending of a file or of a unit of a system.
pub(super) fn is_possible(tld: &str) -> bool {
    const FILES: &str = "png jpg jpeg gif svg webp bmp ico css js jsx ts tsx html htm php json yml yaml xml toml txt log conf cfg \
        ini lock zip gz tar exe dll jar class java cpp hpp service socket timer target mount scope slice device local \
        localhost internal lan intranet corp home invalid test example onion";
    let fits = (2..=24).contains(&tld.len()) && tld.bytes().all(|byte| byte.is_ascii_lowercase());
    fits && !FILES.split_ascii_whitespace().any(|one| one == tld)
}
