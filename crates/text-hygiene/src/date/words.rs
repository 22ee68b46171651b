//! The names of months and of spans, in the languages that pages are written in most.

/// English, German, French, Spanish, Italian, Portuguese, Dutch; of each month, with and without its short forms.
const MONTHS: [&str; 12] = [
    "january jan januar jänner januari janvier janv enero ene gennaio gen janeiro",
    "february feb februar februari février févr fevrier fév febrero febbraio fevereiro fev",
    "march mar märz maerz maart mars marzo março mrz",
    "april apr avril avr abril abr aprile",
    "may mai mei mayo maggio mag maio",
    "june jun juni juin junio giugno giu junho",
    "july jul juli juillet juil julio luglio lug julho",
    "august aug août aout agosto ago augustus",
    "september sep sept septembre septiembre settembre set setembro",
    "october oct oktober okt octobre octubre ottobre ott outubro out",
    "november nov novembre noviembre novembro",
    "december dec dezember dez décembre déc decembre diciembre dic dicembre dezembro",
];

/// The number of a month by its name in lower case.
pub(super) fn month(name: &str) -> Option<i8> {
    let name = name.trim_end_matches('.');
    let at = MONTHS.iter().position(|names| names.split(' ').any(|one| one == name))?;
    i8::try_from(at + 1).ok()
}

/// How many days ago something was: `yesterday`, `3 days ago`, `vor 2 Wochen`, `hace 2 días`, `il y a 3 jours`, `昨天`.
pub(super) fn days_ago(text: &str) -> Option<Ago> {
    match text {
        "today" | "heute" | "aujourd'hui" | "hoy" | "oggi" | "今天" | "just now" => {
            return Some(Ago::Days(0));
        }
        "yesterday" | "gestern" | "hier" | "ayer" | "ieri" | "昨天" => return Some(Ago::Days(1)),
        _ => {}
    }
    let inner = text
        .strip_suffix(" ago")
        .or_else(|| text.strip_prefix("vor "))
        .or_else(|| text.strip_prefix("hace "))
        .or_else(|| text.strip_prefix("il y a "))?;
    let mut words =
        inner.split_whitespace().filter(|word| !matches!(*word, "about" | "etwa" | "over" | "almost"));
    let (count, unit) = (words.next()?, words.next()?);
    let count: i64 = match count {
        "a" | "an" | "one" | "einem" | "einer" | "un" | "una" | "une" => 1,
        count => count.parse().ok().filter(|count| (0..10_000).contains(count))?,
    };
    if words.next().is_some() {
        return None;
    }
    Some(match unit.trim_end_matches('.') {
        "second" | "seconds" | "sec" | "secs" | "sekunden" | "segundos" | "secondes" => Ago::Seconds(count),
        "minute" | "minutes" | "min" | "mins" | "minuten" | "minutos" => Ago::Seconds(count * 60),
        "hour" | "hours" | "hr" | "hrs" | "stunde" | "stunden" | "hora" | "horas" | "heure" | "heures" => {
            Ago::Seconds(count * 3600)
        }
        "day" | "days" | "tag" | "tagen" | "tage" | "día" | "días" | "jour" | "jours" => Ago::Days(count),
        "week" | "weeks" | "woche" | "wochen" | "semana" | "semanas" | "semaine" | "semaines" => {
            Ago::Days(count * 7)
        }
        "month" | "months" | "monat" | "monaten" | "mes" | "meses" | "mois" => Ago::Months(count),
        "year" | "years" | "jahr" | "jahren" | "año" | "años" | "an" | "ans" => Ago::Years(count),
        _ => return None,
    })
}

/// How long ago; what is counted in months is known to the month, in years to the year.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ago {
    Seconds(i64),
    Days(i64),
    Months(i64),
    Years(i64),
}
