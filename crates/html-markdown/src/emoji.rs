//! Names of emoji, as Discourse writes them, and the emoji.

/// The emoji of a name without colons; `t2` to `t6` behind a second colon are tones of skin.
pub(crate) fn of(name: &str) -> Option<String> {
    let (name, tone) = match name.split_once(":t") {
        Some((name, tone)) => (name, tone.parse::<u32>().ok().filter(|tone| (2..=6).contains(tone))),
        None => (name, None),
    };
    let emoji = emojis::get_by_shortcode(alias(name))?.as_str();
    let tone = tone.and_then(|tone| char::from_u32(0x1f3fb + tone - 2));
    Some(emoji.chars().filter(|c| tone.is_none() || *c != '\u{fe0f}').chain(tone).collect())
}

/// Names that Discourse has and GitHub spells otherwise.
fn alias(name: &str) -> &str {
    match name {
        "slight_smile" => "slightly_smiling_face",
        "slight_frown" => "slightly_frowning_face",
        "smiling_face" => "relaxed",
        "frowning" => "frowning",
        "frowning_with_open_mouth" => "frowning",
        "crazy_face" => "zany_face",
        "rolling_eyes" | "face_with_rolling_eyes" => "roll_eyes",
        "face_with_raised_eyebrow" => "raised_eyebrow",
        "face_with_hand_over_mouth" => "hand_over_mouth",
        "face_with_symbols_over_mouth" => "cursing_face",
        "crying_cat_face" => "crying_cat_face",
        "upside_down" => "upside_down_face",
        "hugs" | "hugging_face" => "hugs",
        "thinking_face" => "thinking",
        "nerd" => "nerd_face",
        "money_mouth" => "money_mouth_face",
        "zipper_mouth" => "zipper_mouth_face",
        "sunglasses_face" => "sunglasses",
        "robot_face" => "robot",
        "partying" => "partying_face",
        "exploding" => "exploding_head",
        "star_struck" => "star_struck",
        "shrug" | "person_shrugging" => "shrug",
        "facepalm" | "man_facepalming" | "person_facepalming" => "facepalm",
        "bowing_man" | "man_bowing" => "bowing_man",
        "raising_hands" => "raised_hands",
        "thumbs_up" | "thumbsup" => "+1",
        "thumbs_down" | "thumbsdown" => "-1",
        "red_heart" => "heart",
        "eight_o_clock" => "clock8",
        "tear_off_calendar" => "calendar",
        "smiling_face_with_tear" => "smiling_face_with_tear",
        other => other,
    }
}
