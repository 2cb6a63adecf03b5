package store

import (
	"database/sql/driver"
	"fmt"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// WithPragmas runs more pragmas on the writer's connection.
func WithPragmas(p func() []string) Option { return func(s *settings) { s.pragmas = p } }

// Explain is SQLite's plan of every statement that a query becomes.
func Explain(s Store, collection string, filter bson.D, opts ...Find) ([]string, error) {
	e := s.(*Embedded)
	t := e.tables[collection]
	q, err := parseQuery(filter, opts...)
	if err != nil {
		return nil, err
	}
	p, err := planQuery(collection, t.shapes, q)
	if err != nil {
		return nil, err
	}
	if len(q.sort) > 0 && !p.sorted {
		return nil, fmt.Errorf("sorted in memory")
	}
	c, err := e.connection()
	if err != nil {
		return nil, err
	}
	defer func() { e.putBack(c, nil) }()
	var out []string
	for i := range p.accesses {
		a := &p.accesses[i]
		spans := a.spans
		if len(q.sort) == 0 {
			spans = a.together()
		}
		for _, span := range spans {
			sql, args := t.statement(a, span, len(q.sort) > 0)
			var lines []string
			err := c.each("EXPLAIN QUERY PLAN "+sql, func(row []driver.Value) { lines = append(lines, row[3].(string)) }, 4, args...)
			if err != nil {
				return nil, err
			}
			out = append(out, strings.Join(lines, "; "))
		}
	}
	return out, nil
}
