//! What an answer may look like, and what it may not do.

use super::*;

fn text(text: &str) -> Inline {
    Inline::Text { text: text.to_owned() }
}

fn paragraph(inlines: Vec<Inline>) -> Block {
    Block::Paragraph { inlines }
}

fn json(markdown: &str) -> String {
    serde_json::to_string(&blocks(markdown)).unwrap()
}

/// The deepest nesting of arrays and objects.
fn depth(value: &serde_json::Value) -> usize {
    match value {
        serde_json::Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        serde_json::Value::Object(fields) => 1 + fields.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

#[test]
fn worked_steps_stand_under_each_other() {
    let expected = vec![paragraph(vec![text("384 + 97"), Inline::Break, text("= 481")])];
    assert_eq!(blocks("384 + 97\n= 481"), expected);
}

#[test]
fn signs_of_arithmetic_are_not_swallowed_as_emphasis() {
    for formula in ["2*3*4 = 24", "2**3**2", "(1 + 2)*3*4", "a*b*c", "~5 and ~6~", "f(x)**2**n"] {
        assert_eq!(blocks(formula), vec![paragraph(vec![text(formula)])], "{formula}");
    }
    let emphasised = Inline::Emphasis { inlines: vec![text("very")] };
    assert_eq!(blocks("it is *very* (*very*)").len(), 1);
    assert_eq!(blocks("*very*"), vec![paragraph(vec![emphasised.clone()])]);
    assert_eq!(blocks("(*very*)"), vec![paragraph(vec![text("("), emphasised, text(")")])]);
    assert_eq!(blocks("***very***").len(), 1);
    assert!(json("***very***").contains("strong") && json("***very***").contains("emphasis"));
    assert!(json("~~gone~~").contains("strikethrough"));
}

#[test]
fn code_keeps_its_language_and_every_character() {
    let expected =
        vec![Block::Code { language: Some("python".into()), text: "def f(x):\n    return x < 1\n".into() }];
    assert_eq!(blocks("```python\ndef f(x):\n    return x < 1\n```"), expected);
    assert_eq!(blocks("```\"><script>\nx\n```"), vec![Block::Code { language: None, text: "x\n".into() }]);
}

#[test]
fn a_fence_that_is_still_open_is_code_already() {
    let streaming = blocks("Here:\n```python\ndef f(");
    assert_eq!(streaming[1], Block::Code { language: Some("python".into()), text: "def f(".into() });
}

#[test]
fn lists_tables_quotes_headings_and_rules_have_their_shapes() {
    assert_eq!(
        blocks("3. a\n4. b"),
        vec![Block::List {
            start: Some(3),
            items: vec![vec![paragraph(vec![text("a")])], vec![paragraph(vec![text("b")])]]
        }]
    );
    assert_eq!(
        blocks("| a | b |\n|:--|--:|\n| 1 | **2** |"),
        vec![Block::Table {
            align: vec![Align::Left, Align::Right],
            head: vec![vec![text("a")], vec![text("b")]],
            rows: vec![vec![vec![text("1")], vec![Inline::Strong { inlines: vec![text("2")] }]]],
        }]
    );
    assert_eq!(
        blocks("> ## q\n\n---"),
        vec![
            Block::Quote { blocks: vec![Block::Heading { level: 2, inlines: vec![text("q")] }] },
            Block::Rule
        ]
    );
}

#[test]
fn html_and_images_are_plain_text() {
    assert_eq!(blocks("<script>alert(1)</script>"), vec![paragraph(vec![text("<script>alert(1)</script>")])]);
    assert_eq!(blocks("a <b onclick=x>c</b>"), vec![paragraph(vec![text("a <b onclick=x>c</b>")])]);
    assert_eq!(blocks("![a cat](https://example.com/track.png)"), vec![paragraph(vec![text("a cat")])]);
}

#[test]
fn only_links_that_lead_to_the_web_or_to_mail_are_links() {
    for bad in [
        "javascript:alert(1)", "JaVaScRiPt:alert(1)", "java\tscript:alert(1)", "data:text/html,x",
        "file:///etc/passwd", "vbscript:x", "tauri://localhost", "ipc://localhost", "//example.com",
        "/relative", "",
    ] {
        assert!(!json(&format!("[go](<{bad}>)")).contains("\"link\""), "{bad} must not be a link");
    }
    let good = blocks("[go](https://example.com/a?b=c)");
    let expected = Inline::Link {
        url: "https://example.com/a?b=c".into(),
        inlines: vec![Inline::Text { text: "go".into() }],
    };
    assert_eq!(good, vec![paragraph(vec![expected])]);
}

#[test]
fn no_nesting_is_deep_enough_to_overflow_a_stack() {
    let hostile = [
        ">".repeat(100_000),
        "[".repeat(100_000),
        "*".repeat(100_000),
        "- ".repeat(50_000),
        "1. ".repeat(33_000),
        "![".repeat(50_000),
        "`".repeat(100_000),
        "**a ".repeat(25_000),
        "[a](".repeat(25_000),
        "<a ".repeat(33_000),
        format!("{}x{}", "*a **b ".repeat(10_000), "** *".repeat(10_000)),
        (0..300).map(|indent| format!("{}- x\n", "  ".repeat(indent))).collect::<String>(),
    ];
    for markdown in hostile {
        let start: String = markdown.chars().take(12).collect();
        // A thread's default stack, a quarter of a main thread's.
        let worker = std::thread::Builder::new().stack_size(512 * 1024);
        let tree =
            worker.spawn(move || serde_json::to_value(blocks(&markdown)).unwrap()).unwrap().join().unwrap();
        // An element is at most an object in an array in an array.
        assert!(depth(&tree) <= 3 * MAX_DEPTH + 3, "{start:?}… is {} levels deep", depth(&tree));
    }
}

#[test]
fn text_beyond_the_depth_that_is_kept_is_still_there() {
    let tree = json(&format!("{} deep words", "> ".repeat(200)));
    assert!(tree.contains("deep words"), "{tree}");
}

#[test]
fn a_tree_stays_small_and_the_rest_of_the_text_is_kept() {
    let markdown = "*a* `b` ".repeat(30_000) + "the end";
    let tree = blocks(&markdown);
    let count = serde_json::to_string(&tree).unwrap().matches("\"kind\"").count();
    assert!(count <= MAX_NODES + MAX_DEPTH + 2, "{count} nodes");
    assert!(json(&markdown).contains("the end"), "what was not parsed must be shown as it is");
}

#[test]
fn empty_text_is_no_blocks() {
    assert_eq!(blocks(""), vec![]);
    assert_eq!(blocks("\n \n"), vec![]);
}
