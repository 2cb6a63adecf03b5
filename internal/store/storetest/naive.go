package storetest

import (
	"cmp"
	"reflect"
	"slices"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// The naive evaluator answers random filters, sorts and updates over plain Go values. It
// shares no code with the engines, and knows only what the random test makes: paths
// through documents, arrays of scalars, no paths through arrays.

func rank(v any) int {
	switch v.(type) {
	case nil:
		return 0
	case int64, float64:
		return 1
	case string:
		return 2
	case map[string]any:
		return 3
	case []any:
		return 4
	case bool:
		return 5
	case time.Time:
		return 6
	}
	panic("rank of " + reflect.TypeOf(v).String())
}

func asFloat(v any) float64 {
	if n, ok := v.(int64); ok {
		return float64(n)
	}
	return v.(float64)
}

func order(a, b any) int {
	if c := cmp.Compare(rank(a), rank(b)); c != 0 {
		return c
	}
	switch x := a.(type) {
	case int64, float64:
		return cmp.Compare(asFloat(a), asFloat(b))
	case string:
		return strings.Compare(x, b.(string))
	case bool:
		if x == b.(bool) {
			return 0
		}
		if x {
			return 1
		}
		return -1
	case time.Time:
		return x.Compare(b.(time.Time))
	case []any:
		return slices.CompareFunc(x, b.([]any), order)
	}
	return 0
}

func lookup(doc map[string]any, path string) (any, bool) {
	head, rest, more := strings.Cut(path, ".")
	v, ok := doc[head]
	if !more || !ok {
		return v, ok
	}
	sub, ok := v.(map[string]any)
	if !ok {
		return nil, false
	}
	return lookup(sub, rest)
}

func naiveMatch(doc map[string]any, filter bson.D) bool {
	for _, e := range filter {
		if e.Key == "$or" {
			if !slices.ContainsFunc(e.Value.(bson.A), func(b any) bool { return naiveMatch(doc, b.(bson.D)) }) {
				return false
			}
			continue
		}
		v, ok := lookup(doc, e.Key)
		ops, isOps := e.Value.(bson.D)
		if !isOps {
			ops = d("$eq", e.Value)
		}
		for _, op := range ops {
			if !naiveOp(v, ok, op) {
				return false
			}
		}
	}
	return true
}

func naiveOp(v any, ok bool, op bson.E) bool {
	switch op.Key {
	case "$exists":
		return ok == op.Value.(bool)
	case "$ne":
		return !naiveOp(v, ok, bson.E{Key: "$eq", Value: op.Value})
	case "$in":
		return slices.ContainsFunc(op.Value.(bson.A), func(w any) bool { return naiveOp(v, ok, bson.E{Key: "$eq", Value: w}) })
	}
	candidates := []any{v}
	if list, isList := v.([]any); isList {
		candidates = append(candidates, list...)
	}
	want := plain(op.Value)
	return slices.ContainsFunc(candidates, func(c any) bool {
		if rank(c) != rank(want) {
			return false
		}
		o := order(c, want)
		switch op.Key {
		case "$eq":
			return o == 0
		case "$gt":
			return o > 0
		case "$gte":
			return o >= 0
		case "$lt":
			return o < 0
		}
		return o <= 0
	})
}

func naiveLess(a, b map[string]any, sort bson.D) int {
	for _, s := range sort {
		va, _ := lookup(a, s.Key)
		vb, _ := lookup(b, s.Key)
		if c := order(va, vb); c != 0 {
			return c * s.Value.(int)
		}
	}
	return 0
}

// naiveUpdate changes a document of which no part is shared.
func naiveUpdate(doc map[string]any, update bson.D) {
	for _, op := range update {
		for _, f := range op.Value.(bson.D) {
			naiveChange(doc, op.Key, f.Key, plain(f.Value))
		}
	}
}

func naiveChange(doc map[string]any, op, path string, val any) {
	head, rest, more := strings.Cut(path, ".")
	if more {
		sub, ok := doc[head].(map[string]any)
		if !ok {
			if op == "$unset" || op == "$pull" {
				return
			}
			sub = map[string]any{}
			doc[head] = sub
		}
		naiveChange(sub, op, rest, val)
		return
	}
	old, ok := doc[head]
	list, _ := old.([]any)
	list = slices.Clone(list)
	switch op {
	case "$set":
		doc[head] = val
	case "$unset":
		delete(doc, head)
	case "$inc":
		if !ok {
			old = int64(0)
		}
		doc[head] = asFloat(old) + asFloat(val)
	case "$max":
		if !ok || order(val, old) > 0 {
			doc[head] = val
		}
	case "$min":
		if !ok || order(val, old) < 0 {
			doc[head] = val
		}
	case "$push":
		doc[head] = append(list, val)
	case "$addToSet":
		if !slices.ContainsFunc(list, func(el any) bool { return order(el, val) == 0 }) {
			list = append(list, val)
		}
		if list == nil {
			list = []any{}
		}
		doc[head] = list
	case "$pull":
		if ok {
			doc[head] = slices.DeleteFunc(list, func(el any) bool { return order(el, val) == 0 })
		}
	}
}
