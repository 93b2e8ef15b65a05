-- The whole database, in steps. A step starts with "-- version N", runs once, in one transaction, and is never
-- edited after a release: a change is a new step at the end. Times are Unix milliseconds.

-- version 1
CREATE TABLE identity (
    -- Made at random with the database; the search index remembers it, so that it is never used with another
    -- database.
    database TEXT NOT NULL,
    -- Changes up to this one are no longer listed: an index that is older compares itself with past_answers
    -- entirely.
    trimmed_to INTEGER NOT NULL DEFAULT 0
);
INSERT INTO identity (database) VALUES (lower(hex(randomblob(8))));

CREATE TABLE conversations (
    id TEXT PRIMARY KEY NOT NULL,
    title TEXT NOT NULL,
    -- 1: the user gave the title; 0: it was cut from the first question.
    named INTEGER NOT NULL DEFAULT 0,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL
);
CREATE INDEX conversations_by_time ON conversations (updated DESC);

CREATE TABLE turns (
    id TEXT PRIMARY KEY NOT NULL,
    conversation TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    -- Order inside the conversation; a regenerated answer takes the place of the one that it replaces.
    place INTEGER NOT NULL,
    question TEXT NOT NULL,
    normalised TEXT NOT NULL,
    answer TEXT NOT NULL,
    expert TEXT NOT NULL,
    domain TEXT NOT NULL,
    complexity REAL NOT NULL,
    tokens INTEGER NOT NULL,
    stopped INTEGER NOT NULL,
    refused INTEGER NOT NULL,
    total_ms REAL NOT NULL,
    rating INTEGER NOT NULL DEFAULT 0,
    created INTEGER NOT NULL,
    -- The Answer with its trace, as JSON.
    whole TEXT NOT NULL
);
CREATE INDEX turns_by_place ON turns (conversation, place);

-- Which turns show which past answer in their trace: forgetting it takes the copy out there too.
CREATE TABLE citations (
    turn TEXT NOT NULL REFERENCES turns (id) ON DELETE CASCADE,
    past_answer TEXT NOT NULL,
    PRIMARY KEY (turn, past_answer)
) WITHOUT ROWID;
CREATE INDEX citations_by_past_answer ON citations (past_answer);

-- What later questions may recall. The search index follows this table.
CREATE TABLE past_answers (
    id TEXT PRIMARY KEY NOT NULL,
    question TEXT NOT NULL,
    normalised TEXT NOT NULL,
    answer TEXT NOT NULL,
    expert TEXT NOT NULL,
    rating INTEGER NOT NULL DEFAULT 0,
    created INTEGER NOT NULL
);
CREATE INDEX past_answers_by_question ON past_answers (normalised);

-- What the index has still to do. Ids only, no text.
CREATE TABLE changes (
    revision INTEGER PRIMARY KEY AUTOINCREMENT,
    past_answer TEXT NOT NULL,
    -- 1: forgotten by the user, so that its words must leave the files of the index too.
    forgotten INTEGER NOT NULL
);

CREATE TABLE expert_totals (
    expert TEXT PRIMARY KEY NOT NULL,
    asks INTEGER NOT NULL,
    successes INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    tokens INTEGER NOT NULL,
    latency_ema_ms REAL,
    tokens_per_s_ema REAL,
    last_used INTEGER NOT NULL
);

-- The last samples of each expert: what its percentiles are computed from.
CREATE TABLE expert_samples (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    expert TEXT NOT NULL,
    created INTEGER NOT NULL,
    success INTEGER NOT NULL,
    latency_ms REAL NOT NULL,
    tokens INTEGER NOT NULL,
    first_token_ms REAL,
    tokens_per_s REAL
);
CREATE INDEX expert_samples_by_expert ON expert_samples (expert, number);

CREATE TABLE counters (
    component TEXT PRIMARY KEY NOT NULL,
    runs INTEGER NOT NULL,
    changed_answer INTEGER NOT NULL,
    total_ms REAL NOT NULL,
    last_run INTEGER NOT NULL
);

-- version 2
-- Experts that routing passes by; their files and figures stay.
CREATE TABLE retired_experts (
    expert TEXT PRIMARY KEY NOT NULL,
    since INTEGER NOT NULL
) WITHOUT ROWID;

-- What was pruned from the pool and what was taken back, with its evidence as JSON: names and figures, no questions.
CREATE TABLE pool_history (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    created INTEGER NOT NULL,
    whole TEXT NOT NULL
);

-- version 3
-- Files that the user gave to be read. The text lies in document_passages; another content is another row.
CREATE TABLE documents (
    id TEXT PRIMARY KEY NOT NULL,
    path TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    -- Of the file as it was read; bytes and modified as it was last looked at.
    sha256 TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    modified INTEGER NOT NULL,
    added INTEGER NOT NULL,
    -- Why the file as it is now could not be read.
    unread TEXT
);
CREATE INDEX documents_by_content ON documents (sha256);

CREATE TABLE document_passages (
    -- The document's id and the place in it: "ID-7".
    id TEXT PRIMARY KEY NOT NULL,
    document TEXT NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
    place INTEGER NOT NULL,
    heading TEXT NOT NULL,
    text TEXT NOT NULL,
    page INTEGER,
    first_line INTEGER,
    last_line INTEGER
);
CREATE INDEX document_passages_by_document ON document_passages (document, place);

-- Rises with every change of the two: an index that notes another number compares itself with them.
ALTER TABLE identity ADD COLUMN documents_revision INTEGER NOT NULL DEFAULT 0;

-- version 4
-- The encoder that the user chose; no row: there is none.
CREATE TABLE encoder (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    -- sha256 of its weights.
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    folder TEXT NOT NULL,
    -- Of the weights as they were last looked at.
    bytes INTEGER NOT NULL,
    modified INTEGER NOT NULL,
    -- Of the changes, when no past answer lacked a vector.
    revision INTEGER NOT NULL
);

-- What a past answer means to that encoder.
CREATE TABLE vectors (
    -- Never used twice: what was read once need not be read again.
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    past_answer TEXT NOT NULL UNIQUE REFERENCES past_answers (id) ON DELETE CASCADE,
    encoder TEXT NOT NULL,
    -- vector = scale * numbers, one signed byte each.
    scale REAL NOT NULL,
    numbers BLOB NOT NULL
);

-- version 5
-- Which expert was right, or wrong, for a question: what routing learns from.
CREATE TABLE lessons (
    -- Never used twice: who learned from the newest one knows it by this.
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    question TEXT NOT NULL,
    expert TEXT NOT NULL,
    -- 1: right; 0: wrong.
    good INTEGER NOT NULL,
    -- rating, retry or told.
    source TEXT NOT NULL,
    -- The answer that it goes with.
    turn TEXT REFERENCES turns (id) ON DELETE CASCADE,
    created INTEGER NOT NULL,
    UNIQUE (question, expert)
);
CREATE INDEX lessons_by_turn ON lessons (turn);

-- version 6
-- What each answer took and gave, in figures alone; archive/metrics.rs says what each of them is. NULL: not measured.
CREATE TABLE brain_moe_metrics (
    number INTEGER PRIMARY KEY,
    -- NULL: another answer took its place, and of its question nothing is kept.
    turn TEXT UNIQUE REFERENCES turns (id) ON DELETE CASCADE,
    timestamp INTEGER NOT NULL,
    query_hash TEXT,
    mode TEXT,
    domain TEXT,
    confidence REAL,
    expert TEXT,
    skills_considered INTEGER,
    skills_selected INTEGER,
    top_skill TEXT,
    top_skill_score REAL,
    selection_time_ms REAL,
    execution_time_ms REAL,
    total_time_ms REAL,
    total_cost REAL,
    cost_saved REAL,
    tokens_read INTEGER,
    tokens_written INTEGER,
    quality_score REAL,
    synthesis_quality REAL,
    max_utilization REAL,
    avg_queue_depth REAL,
    tokens_before INTEGER,
    tokens_after INTEGER,
    compression_ratio REAL,
    peak_memory_bytes INTEGER,
    load_ms REAL,
    swaps INTEGER
);
CREATE INDEX brain_moe_metrics_by_time ON brain_moe_metrics (timestamp);

-- What query_hash is keyed with; it never leaves this file.
ALTER TABLE identity ADD COLUMN secret BLOB;
UPDATE identity SET secret = randomblob(32);

-- version 7
-- What past answers and passages of documents mean to the encoder. A row without numbers is still to be made.
CREATE TABLE meanings (
    -- Never used twice, and another one when the numbers come: what was read once need not be read again.
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    past_answer TEXT UNIQUE REFERENCES past_answers (id) ON DELETE CASCADE,
    passage TEXT UNIQUE REFERENCES document_passages (id) ON DELETE CASCADE,
    -- vector = scale * numbers, one signed byte each.
    scale REAL,
    numbers BLOB
);
CREATE INDEX meanings_to_make ON meanings (number) WHERE numbers IS NULL;
INSERT INTO meanings (past_answer, scale, numbers)
    SELECT past_answers.id, vectors.scale, vectors.numbers FROM past_answers LEFT JOIN vectors
    ON vectors.past_answer = past_answers.id WHERE EXISTS (SELECT 1 FROM encoder);
INSERT INTO meanings (passage) SELECT id FROM document_passages WHERE EXISTS (SELECT 1 FROM encoder);
DROP TABLE vectors;
-- The same without the revision.
CREATE TABLE encoder_of_now (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    folder TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    modified INTEGER NOT NULL
);
INSERT INTO encoder_of_now SELECT only, id, name, folder, bytes, modified FROM encoder;
DROP TABLE encoder;
ALTER TABLE encoder_of_now RENAME TO encoder;
CREATE TRIGGER past_answers_to_make AFTER INSERT ON past_answers WHEN EXISTS (SELECT 1 FROM encoder)
    BEGIN INSERT INTO meanings (past_answer) VALUES (new.id); END;
CREATE TRIGGER passages_to_make AFTER INSERT ON document_passages WHEN EXISTS (SELECT 1 FROM encoder)
    BEGIN INSERT INTO meanings (passage) VALUES (new.id); END;

-- version 8
-- Searches for better prompts. whole: how one went, in figures, as JSON.
CREATE TABLE prompt_runs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    created INTEGER NOT NULL,
    expert TEXT NOT NULL,
    whole TEXT NOT NULL
);

-- Every prompt that was tried, as JSON without its examples: those are questions and answers, and lie beside it.
CREATE TABLE prompts (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    run INTEGER NOT NULL REFERENCES prompt_runs (number) ON DELETE CASCADE,
    created INTEGER NOT NULL,
    whole TEXT NOT NULL
);
CREATE INDEX prompts_by_run ON prompts (run);

CREATE TABLE prompt_shots (
    prompt INTEGER NOT NULL REFERENCES prompts (number) ON DELETE CASCADE,
    place INTEGER NOT NULL,
    question TEXT NOT NULL,
    answer TEXT NOT NULL,
    PRIMARY KEY (prompt, place)
);
CREATE INDEX prompt_shots_by_question ON prompt_shots (question);
-- What is forgotten is an example no more.
CREATE TRIGGER turns_take_their_shots AFTER DELETE ON turns
    BEGIN DELETE FROM prompt_shots WHERE question = old.question; END;

-- Which prompt an expert is asked with in a domain: the newest row says it. NULL: as its manifest has it.
CREATE TABLE prompt_uses (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    created INTEGER NOT NULL,
    expert TEXT NOT NULL,
    domain TEXT NOT NULL,
    prompt INTEGER REFERENCES prompts (number) ON DELETE SET NULL
);
CREATE INDEX prompt_uses_by_expert ON prompt_uses (expert, domain, number);

-- version 9
-- Answers that were judged: what abilities are fitted to. No words.
CREATE TABLE outcomes (
    -- Never used twice: who fitted to the newest one knows it by this.
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    -- NULL: asked by a benchmark, which keeps no answer.
    turn TEXT REFERENCES turns (id) ON DELETE CASCADE,
    expert TEXT NOT NULL,
    domain TEXT NOT NULL,
    complexity REAL NOT NULL,
    -- 1: right; 0: wrong.
    good INTEGER NOT NULL,
    -- rating, retry, check or bench.
    source TEXT NOT NULL,
    UNIQUE (turn, expert, source)
);
INSERT INTO outcomes (turn, expert, domain, complexity, good, source)
    SELECT id, expert, domain, complexity, rating > 0, 'rating' FROM turns WHERE rating <> 0 AND NOT stopped;

-- What experts are told beside the question: bullets, which are rules, and trajectories, which are ways that answers went.
CREATE TABLE playbook (
    -- Never used twice.
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    -- bullet or trajectory.
    kind TEXT NOT NULL,
    domain TEXT NOT NULL,
    -- Of a trajectory: the form of its question, and the question.
    title TEXT NOT NULL DEFAULT '',
    applies TEXT NOT NULL DEFAULT '',
    text TEXT NOT NULL,
    -- user, reflector or pack.
    origin TEXT NOT NULL,
    -- Of a trajectory: 1, it led to a good answer; 0, to a bad one.
    good INTEGER,
    created INTEGER NOT NULL,
    -- Since when it is not used.
    retired INTEGER,
    -- The bullet that says it as well.
    merged_into INTEGER REFERENCES playbook (id) ON DELETE SET NULL
);

-- The answers that it was made from: it goes with any of them.
CREATE TABLE playbook_sources (
    bullet INTEGER NOT NULL REFERENCES playbook (id) ON DELETE CASCADE,
    turn TEXT NOT NULL REFERENCES turns (id) ON DELETE CASCADE,
    PRIMARY KEY (bullet, turn)
) WITHOUT ROWID;
CREATE INDEX playbook_sources_by_turn ON playbook_sources (turn);
CREATE TRIGGER playbook_goes_with_its_sources AFTER DELETE ON playbook_sources
    BEGIN DELETE FROM playbook WHERE id = old.bullet; END;

-- The answers that it was used in; what became of them stands in outcomes.
CREATE TABLE playbook_uses (
    bullet INTEGER NOT NULL REFERENCES playbook (id) ON DELETE CASCADE,
    turn TEXT NOT NULL REFERENCES turns (id) ON DELETE CASCADE,
    created INTEGER NOT NULL,
    PRIMARY KEY (bullet, turn)
) WITHOUT ROWID;
CREATE INDEX playbook_uses_by_turn ON playbook_uses (turn);

-- Every edit, with the bullet as it was before; NULL: it was not there.
CREATE TABLE playbook_log (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    bullet INTEGER NOT NULL REFERENCES playbook (id) ON DELETE CASCADE,
    -- add, edit, merge or retire.
    edit TEXT NOT NULL,
    before TEXT,
    created INTEGER NOT NULL,
    undone INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX playbook_log_by_bullet ON playbook_log (bullet, number);

-- version 10
-- One bit for each number of a vector: searched first, and small, so that those of a million answers are soon read.
CREATE TABLE signs (
    number INTEGER PRIMARY KEY REFERENCES meanings (number) ON DELETE CASCADE,
    -- 1: of a passage; 0: of a past answer.
    passage INTEGER NOT NULL,
    bits BLOB NOT NULL
);
-- They come with the numbers, which are made again.
UPDATE meanings SET scale = NULL, numbers = NULL;
