package embedded

import (
	"fmt"

	"github.com/parley-hub/parley/inbox/search"
)

// version changes when the tables, or what the words of a text are, change: an index of another
// version is made anew.
const version = 3

// Tables. A document's rowid is its time (milliseconds since 1970, shifted by timeShift) and a few
// bits that tell apart what happened in one: so the newest first is the order of the index
// itself. What filters look at is kept apart from the texts, so that many rows are
// looked through quickly. The text is kept because it is what takes a word out of the index again for good. Conversations are kept once and joined.
//
// The index of words counts no lengths (columnsize=0): ranking reads the texts.
func schema(kinds []search.Kind) []string {
	list := []string{
		`CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID`,
		`CREATE TABLE IF NOT EXISTS account (ord INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, channel TEXT NOT NULL)`,
		`CREATE TABLE IF NOT EXISTS conv (ord INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, rev INTEGER NOT NULL, person TEXT NOT NULL,
			assignee TEXT NOT NULL, team TEXT NOT NULL, state TEXT NOT NULL, erased INTEGER NOT NULL)`,
		`CREATE INDEX IF NOT EXISTS conv_person ON conv (person)`,
		`CREATE INDEX IF NOT EXISTS conv_assignee ON conv (assignee)`,
		`CREATE INDEX IF NOT EXISTS conv_team ON conv (team)`,
		`CREATE INDEX IF NOT EXISTS conv_state ON conv (state)`,
		`CREATE TABLE IF NOT EXISTS label (label TEXT, conv INTEGER, PRIMARY KEY (label, conv)) WITHOUT ROWID`,
		`CREATE INDEX IF NOT EXISTS label_conv ON label (conv)`,
	}
	for _, k := range kinds {
		list = append(list,
			fmt.Sprintf(`CREATE TABLE IF NOT EXISTS doc_%s (rowid INTEGER PRIMARY KEY, hash INTEGER NOT NULL, conv INTEGER NOT NULL, account INTEGER NOT NULL,
				dir INTEGER NOT NULL, att INTEGER NOT NULL, gone INTEGER NOT NULL, seq INTEGER NOT NULL, rev INTEGER NOT NULL, person TEXT NOT NULL)`, k),
			fmt.Sprintf(`CREATE TABLE IF NOT EXISTS txt_%s (rowid INTEGER PRIMARY KEY, id TEXT NOT NULL, data TEXT NOT NULL)`, k),
			fmt.Sprintf(`CREATE INDEX IF NOT EXISTS doc_%s_hash ON doc_%[1]s (hash)`, k),
			fmt.Sprintf(`CREATE VIRTUAL TABLE IF NOT EXISTS fts_%s USING fts5 (body, extra, tags, content='', columnsize=0, tokenize="ascii")`, k),
			fmt.Sprintf(`INSERT INTO fts_%s (fts_%[1]s, rank) VALUES ('secure-delete', 1)`, k),
			fmt.Sprintf(`CREATE TABLE IF NOT EXISTS word_%s (word TEXT PRIMARY KEY, n INTEGER NOT NULL) WITHOUT ROWID`, k),
		)
	}
	return list
}
