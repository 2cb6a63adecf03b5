package store

import (
	"database/sql/driver"
	"fmt"
	"slices"
	"strings"

	"github.com/parley-hub/parley/internal/store/document"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

// table is a collection as SQLite holds it: the document, and beside it one column for
// each indexed field with a key that sorts as bytes. An index on an array's elements is a
// table of its own, written in the same transaction.
type table struct {
	spec    Spec
	shapes  []shape
	columns []column // of the indexed fields but _id
	arrays  []arrayTable
	insert  string
	point   string
}

type column struct {
	name string // quoted
	path document.Path
}

type arrayTable struct {
	shape  *shape
	name   string // quoted
	fields []column
	insert string
	remove string
}

func quote(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }

// columnOf is the column of a field.
func columnOf(field string) string {
	if field == "_id" {
		return "id"
	}
	return quote("k:" + field)
}

func tableOf(s Spec) *table {
	t := &table{spec: s, shapes: shapesOf(s)}
	for i := range t.shapes {
		if t.shapes[i].Array {
			t.arrays = append(t.arrays, t.arrayOf(&t.shapes[i]))
			continue
		}
		for _, f := range t.shapes[i].fields {
			c := column{columnOf(f.name), f.path}
			if f.name != "_id" && !slices.ContainsFunc(t.columns, func(o column) bool { return o.name == c.name }) {
				t.columns = append(t.columns, c)
			}
		}
	}
	names := []string{"id", "doc"}
	for _, c := range t.columns {
		names = append(names, c.name)
	}
	t.insert = fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s)", quote(s.Name), strings.Join(names, ", "), marks(len(names)))
	t.point = fmt.Sprintf("SELECT rid, doc FROM %s WHERE id = ?", quote(s.Name))
	return t
}

func (t *table) arrayOf(s *shape) arrayTable {
	a := arrayTable{shape: s, name: quote(t.spec.Name + ":" + s.Name)}
	var conds, names []string
	for _, f := range a.shape.fields {
		a.fields = append(a.fields, column{columnOf(f.name), f.path})
	}
	if !slices.ContainsFunc(a.fields, func(c column) bool { return c.name == "id" }) {
		a.fields = append(a.fields, column{"id", idShape.fields[0].path})
	}
	for _, c := range a.fields {
		names = append(names, c.name)
		conds = append(conds, c.name+" = ?")
	}
	a.insert = fmt.Sprintf("INSERT INTO %s (%s, rid) VALUES (%s)", a.name, strings.Join(names, ", "), marks(len(names)+1))
	a.remove = fmt.Sprintf("DELETE FROM %s WHERE %s", a.name, strings.Join(conds, " AND "))
	return a
}

func marks(n int) string { return strings.TrimSuffix(strings.Repeat("?, ", n), ", ") }

// create are the statements that make the table anew.
func (t *table) create() string {
	return fmt.Sprintf("CREATE TABLE IF NOT EXISTS %s (rid INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, doc BLOB NOT NULL)", quote(t.spec.Name))
}

func (a *arrayTable) create() string {
	var defs, key []string
	for i, c := range a.fields {
		defs = append(defs, c.name+" BLOB NOT NULL")
		if i < len(a.shape.fields) && a.shape.fields[i].desc {
			key = append(key, c.name+" DESC")
		} else {
			key = append(key, c.name)
		}
	}
	return fmt.Sprintf("CREATE TABLE %s (%s, rid INTEGER NOT NULL, PRIMARY KEY (%s)) WITHOUT ROWID",
		a.name, strings.Join(defs, ", "), strings.Join(key, ", "))
}

// indexName is an index's name in SQLite, where names are global.
func (t *table) indexName(s *shape) string {
	if s.Name == idShape.Name {
		return quote("sqlite_autoindex_" + t.spec.Name + "_1")
	}
	return quote(t.spec.Name + "." + s.Name)
}

func (t *table) createIndex(s *shape) string {
	var cols []string
	for _, f := range s.fields {
		c := columnOf(f.name)
		if f.desc {
			c += " DESC"
		}
		cols = append(cols, c)
	}
	unique, where := "", ""
	if s.Unique {
		unique = "UNIQUE "
	}
	if s.Sparse {
		where = " WHERE " + columnOf(s.fields[0].name) + " > x'05'"
	}
	return fmt.Sprintf("CREATE %sINDEX %s ON %s (%s)%s", unique, t.indexName(s), quote(t.spec.Name), strings.Join(cols, ", "), where)
}

// record is a document ready to be written.
type record struct {
	id     []byte
	doc    document.Doc
	keys   [][]byte     // one per column
	arrays [][][][]byte // per array index, the entries, each without rid
}

// recordOf computes a document's keys. A plain index cannot hold an array.
func (t *table) recordOf(doc document.Doc) (*record, error) {
	id, ok := document.ID(doc)
	if !ok {
		return nil, fmt.Errorf("store: %s: a document needs a string as _id", t.spec.Name)
	}
	r := &record{id: document.AppendKey(nil, document.String(id)), doc: doc, keys: make([][]byte, len(t.columns))}
	for i, c := range t.columns {
		k, err := keyOf(doc, c.path)
		if err != nil {
			return nil, fmt.Errorf("store: %s: %w", t.spec.Name, err)
		}
		r.keys[i] = k
	}
	for i := range t.arrays {
		e, err := t.arrays[i].entries(doc)
		if err != nil {
			return nil, fmt.Errorf("store: %s: %w", t.spec.Name, err)
		}
		r.arrays = append(r.arrays, e)
	}
	return r, nil
}

func keyOf(doc document.Doc, path document.Path) ([]byte, error) {
	v, ok := path.Get(doc)
	if !ok && path.Through(doc) || v.Type == bsoncore.TypeArray {
		return nil, fmt.Errorf("%w: an array in the indexed field %s", ErrUnsupported, path)
	}
	return document.AppendKey(make([]byte, 0, len(v.Data)+3), v), nil
}

// entries are the rows of an array index for a document: one for each different element.
func (a *arrayTable) entries(doc document.Doc) ([][][]byte, error) {
	rest := make([][]byte, 0, len(a.fields)-1)
	for _, c := range a.fields[1:] {
		k, err := keyOf(doc, c.path)
		if err != nil {
			return nil, err
		}
		rest = append(rest, k)
	}
	v, _ := a.fields[0].path.Get(doc)
	els := document.Elements(v)
	if v.Type != bsoncore.TypeArray && !document.Null(v) {
		els = []document.Value{v}
	}
	var out [][][]byte
	seen := map[string]bool{}
	for _, el := range els {
		k := document.AppendKey(nil, el)
		if seen[string(k)] || document.Null(el) {
			continue
		}
		seen[string(k)] = true
		out = append(out, append([][]byte{k}, rest...))
	}
	return out, nil
}

// ensure creates what is missing and rebuilds what is declared differently now, in one
// transaction, and reports whether it changed anything.
func (e *Embedded) ensure(c *conn) (err error) {
	if err := c.script("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = c.script("ROLLBACK") // the first error says why
			return
		}
		err = c.script("COMMIT")
	}()
	have := map[string]string{}
	if err := c.each("SELECT name, coalesce(sql, '') FROM sqlite_master", func(row []driver.Value) {
		have[row[0].(string)] = row[1].(string)
	}, 2); err != nil {
		return err
	}
	for _, t := range e.order {
		if err := t.ensure(c, have); err != nil {
			return fmt.Errorf("store: create %s: %w", t.spec.Name, err)
		}
	}
	return nil
}

func unquote(s string) string { return strings.ReplaceAll(strings.Trim(s, `"`), `""`, `"`) }

func (t *table) ensure(c *conn, have map[string]string) error {
	if err := c.script(t.create()); err != nil {
		return err
	}
	stale, err := t.addColumns(c)
	if err != nil {
		return err
	}
	if err := t.dropOthers(c, have); err != nil {
		return err
	}
	var fresh []*arrayTable
	for i := range t.arrays {
		if have[unquote(t.arrays[i].name)] == "" {
			fresh = append(fresh, &t.arrays[i])
			if err := c.script(t.arrays[i].create()); err != nil {
				return err
			}
		}
	}
	if stale || len(fresh) > 0 {
		if err := t.refill(c, fresh); err != nil {
			return err
		}
	}
	for i := range t.shapes {
		s := &t.shapes[i]
		if s.Name == idShape.Name || s.Array || have[unquote(t.indexName(s))] != "" {
			continue
		}
		if err := c.script(t.createIndex(s)); err != nil {
			return err
		}
	}
	return nil
}

// addColumns adds the columns of newly indexed fields; stale says that rows lack their keys.
func (t *table) addColumns(c *conn) (stale bool, err error) {
	names, err := c.strings("SELECT name FROM pragma_table_info(?)", t.spec.Name)
	if err != nil {
		return false, err
	}
	for _, col := range t.columns {
		if slices.Contains(names, unquote(col.name)) {
			continue
		}
		stale = true
		if err := c.script(fmt.Sprintf("ALTER TABLE %s ADD COLUMN %s BLOB NOT NULL DEFAULT x'05'", quote(t.spec.Name), col.name)); err != nil {
			return false, err
		}
	}
	return stale, nil
}

// dropOthers removes indexes that are not declared, or not as they are.
func (t *table) dropOthers(c *conn, have map[string]string) error {
	want := map[string]string{}
	for i := range t.shapes {
		if s := &t.shapes[i]; !s.Array {
			want[unquote(t.indexName(s))] = t.createIndex(s)
		}
	}
	for _, a := range t.arrays {
		want[unquote(a.name)] = a.create()
	}
	for name, sql := range have {
		kind := "INDEX"
		if strings.HasPrefix(name, t.spec.Name+":") {
			kind = "TABLE"
		} else if !strings.HasPrefix(name, t.spec.Name+".") {
			continue
		}
		if want[name] == sql {
			continue
		}
		delete(have, name)
		if err := c.script(fmt.Sprintf("DROP %s %s", kind, quote(name))); err != nil {
			return err
		}
	}
	return nil
}

// refill computes every document's keys anew, and the entries of new array indexes.
func (t *table) refill(c *conn, fresh []*arrayTable) error {
	var rids []int64
	err := c.each("SELECT rid FROM "+quote(t.spec.Name), func(row []driver.Value) { rids = append(rids, row[0].(int64)) }, 1)
	if err != nil {
		return err
	}
	for _, rid := range rids {
		var doc document.Doc
		err := c.each("SELECT doc FROM "+quote(t.spec.Name)+" WHERE rid = ?", func(row []driver.Value) {
			doc, _ = row[0].([]byte)
		}, 1, rid)
		if err != nil {
			return err
		}
		if err := t.refillOne(c, rid, doc, fresh); err != nil {
			return err
		}
	}
	return nil
}

func (t *table) refillOne(c *conn, rid int64, doc document.Doc, fresh []*arrayTable) error {
	r, err := t.recordOf(doc)
	if err != nil {
		return err
	}
	if err := t.setKeys(c, rid, r); err != nil {
		return err
	}
	for i := range t.arrays {
		if !slices.Contains(fresh, &t.arrays[i]) {
			continue
		}
		if err := t.arrays[i].add(c, r.arrays[i], rid); err != nil {
			return err
		}
	}
	return nil
}

func (t *table) setKeys(c *conn, rid int64, r *record) error {
	if len(t.columns) == 0 {
		return nil
	}
	sets := make([]string, len(t.columns))
	args := make([]driver.Value, 0, len(t.columns)+1)
	for i, col := range t.columns {
		sets[i] = col.name + " = ?"
		args = append(args, r.keys[i])
	}
	_, err := c.exec(fmt.Sprintf("UPDATE %s SET %s WHERE rid = ?", quote(t.spec.Name), strings.Join(sets, ", ")), append(args, rid)...)
	if err != nil {
		return unavailable("fill an index", err)
	}
	return nil
}
