package graph

import (
	"hash/fnv"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/parley-hub/parley/channels/instagram/metasim/internal/wire"
	"github.com/parley-hub/parley/channels/instagram/metasim/internal/world"
)

const (
	week      = 7 * 24 * time.Hour
	tagPrefix = "17843"
)

var tagShape = regexp.MustCompile(`^[\p{L}\p{N}_]+$`)
var tagsIn = regexp.MustCompile(`#([\p{L}\p{N}_]+)`)

func (c *call) mediaNode(m *world.Media) node {
	return node{kind: "IGMedia", id: m.ID, defaults: "id", get: func(c *call, f field) (any, bool, *world.Error) {
		w := c.api.w
		switch f.name {
		case "caption":
			return wire.NonEmpty(m.Caption), true, nil
		case "media_type":
			return m.Type, true, nil
		case "media_product_type":
			return m.Product, true, nil
		case "media_url", "thumbnail_url":
			return w.Link(m.Asset), true, nil
		case "permalink":
			return "https://www.instagram.com/p/" + m.ID + "/", true, nil
		case "timestamp":
			return when(m.At), true, nil
		case "like_count":
			return m.Likes, true, nil
		case "comments_count":
			return c.commentCount(m), true, nil
		case "username":
			if b := w.State().Businesses[m.Business]; b != nil {
				return b.Username, true, nil
			}
			return w.State().People[m.Person].Username, true, nil
		case "owner":
			return wire.O("id", c.biz.IG), m.Business == c.biz.Key, nil
		case "shortcode":
			return m.ID, true, nil
		case "comments":
			v, err := c.page(c.commentEdge("/"+m.ID+"/comments", m.ID, ""), f)
			return v, true, err
		}
		return nil, false, nil
	}}
}

func (c *call) commentCount(m *world.Media) int {
	n := 0
	for _, cm := range c.api.w.State().Comments {
		if cm.Media == m.ID && !cm.Deleted {
			n++
		}
	}
	return n
}

func (c *call) mediaEdge(b *world.Business, name string) edge {
	e := edge{path: "/" + b.IG + "/" + name}
	for _, m := range c.api.w.MediaOf(b, name == "stories") {
		if name == "stories" && c.api.w.Clock().Now().Sub(m.At) > 24*time.Hour {
			continue
		}
		e.nodes = append(e.nodes, c.mediaNode(m))
	}
	return e
}

func (c *call) ofAccount(id string, list func(*world.Business) edge) reply {
	b, kind := c.owned(id)
	if kind != "ig" {
		return c.missing(id)
	}
	if err := c.basic(); err != nil {
		return fail(err)
	}
	return c.listed(list(b))
}

func (c *call) mediaList(id string) reply {
	return c.ofAccount(id, func(b *world.Business) edge { return c.mediaEdge(b, "media") })
}

func (c *call) stories(id string) reply {
	return c.ofAccount(id, func(b *world.Business) edge { return c.mediaEdge(b, "stories") })
}

// tagged answers GET /{ig}/tags: media of others that name the account.
func (c *call) tagged(id string) reply {
	return c.ofAccount(id, func(b *world.Business) edge {
		e := edge{path: c.path}
		for _, m := range c.mediaByAge() {
			if contains(m.Mentions, b.Key) && m.Product != "STORY" {
				e.nodes = append(e.nodes, c.mediaNode(m))
			}
		}
		return e
	})
}

func (c *call) mediaByAge() []*world.Media {
	var out []*world.Media
	for _, m := range c.api.w.State().Media {
		out = append(out, m)
	}
	sort.Slice(out, func(i, j int) bool {
		if out[i].At.Equal(out[j].At) {
			return out[i].ID > out[j].ID
		}
		return out[i].At.After(out[j].At)
	})
	return out
}

// facebookOnly refuses what the Instagram login does not have.
func (c *call) facebookOnly(name string) *world.Error {
	if c.token.Instagram() {
		return world.BadParam("Tried accessing nonexisting field (%s) on node type (IGUser)", name)
	}
	return nil
}

// businessDiscovery answers business_discovery.username(NAME){…}.
func (c *call) businessDiscovery(f field) (any, *world.Error) {
	if err := c.facebookOnly(f.name); err != nil {
		return nil, err
	}
	for _, b := range c.api.w.BusinessesInOrder() {
		if b.IG != "" && strings.EqualFold(b.Username, f.args["username"]) {
			return c.render(c.igNode(b), f.sub)
		}
	}
	return nil, &world.Error{Status: 400, Code: 110, Subcode: 2207013, Message: "Invalid user id"}
}

// tagID is the id of a hashtag: the same for everybody.
func tagID(tag string) string {
	h := fnv.New64a()
	h.Write([]byte(tag))
	s := strconv.FormatUint(h.Sum64()%1_000_000_000_000, 10)
	return tagPrefix + strings.Repeat("0", 12-len(s)) + s
}

func hashtagNode(id, tag string) node {
	return node{kind: "IGHashtag", id: id, defaults: "id", get: values(map[string]any{"name": tag})}
}

// hashtagOf finds a tag by id among those in use or searched for.
func hashtagOf(st *world.State, id string) string {
	for _, b := range st.Businesses {
		for _, s := range b.Searches {
			if tagID(s.Tag) == id {
				return s.Tag
			}
		}
	}
	for _, m := range st.Media {
		for _, t := range tagsOf(m.Caption) {
			if tagID(t) == id {
				return t
			}
		}
	}
	return ""
}

func tagsOf(caption string) []string {
	var out []string
	for _, m := range tagsIn.FindAllStringSubmatch(caption, -1) {
		out = append(out, strings.ToLower(m[1]))
	}
	return out
}

// hashtagSearch answers GET /ig_hashtag_search?user_id&q. Thirty unique tags in seven days; a
// tag searched again neither counts nor starts its week anew.
func (c *call) hashtagSearch() reply {
	b, err := c.hashtagUser()
	if err != nil {
		return fail(err)
	}
	tag := strings.ToLower(strings.TrimPrefix(c.p.str("q"), "#"))
	if !tagShape.MatchString(tag) {
		return fail(&world.Error{Status: 400, Code: 24, Subcode: 2207024, Message: "(#24) The requested resource does not exist"})
	}
	if err := c.countTag(b, tag); err != nil {
		return fail(err)
	}
	if !c.tagUsed(tag) {
		return fail(&world.Error{Status: 400, Code: 24, Subcode: 2207024, Message: "(#24) The requested resource does not exist"})
	}
	return ok(wire.O("data", []any{wire.O("id", tagID(tag))}))
}

func (c *call) tagUsed(tag string) bool {
	for _, m := range c.api.w.State().Media {
		if contains(tagsOf(m.Caption), tag) {
			return true
		}
	}
	return false
}

func (c *call) countTag(b *world.Business, tag string) *world.Error {
	now := c.api.w.Clock().Now()
	var kept []world.TagSearch
	for _, s := range b.Searches {
		if now.Sub(s.At) < week {
			kept = append(kept, s)
		}
	}
	b.Searches = kept
	for _, s := range kept {
		if s.Tag == tag {
			return nil
		}
	}
	if len(kept) >= c.api.w.Settings().TagsPerWeek {
		return world.ErrHashtags
	}
	b.Searches = append(b.Searches, world.TagSearch{Tag: tag, At: now})
	return nil
}

func (c *call) hashtagUser() (*world.Business, *world.Error) {
	if err := c.facebookOnly("ig_hashtag_search"); err != nil {
		return nil, err
	}
	if err := c.basic(); err != nil {
		return nil, err
	}
	b, kind := c.owned(c.p.str("user_id"))
	if kind != "ig" {
		return nil, world.BadParam("The parameter user_id is required")
	}
	return b, nil
}

// hashtagMedia answers /{tag}/recent_media and top_media: at most 50 a page, only an after
// cursor and that always the same, no username, recent only of the last 24 hours.
func (c *call) hashtagMedia(id string) reply {
	if _, err := c.hashtagUser(); err != nil {
		return fail(err)
	}
	tag, recent := hashtagOf(c.api.w.State(), id), c.seg[1] == "recent_media"
	if tag == "" {
		return c.missing(id)
	}
	e := edge{path: c.path, most: 50, same: true, noBefore: true}
	var found []*world.Media
	for _, m := range c.mediaByAge() {
		if contains(tagsOf(m.Caption), tag) && (!recent || c.api.w.Clock().Now().Sub(m.At) <= 24*time.Hour) {
			found = append(found, m)
		}
	}
	if !recent {
		sort.SliceStable(found, func(i, j int) bool { return found[i].Likes > found[j].Likes })
	}
	for _, m := range found {
		n := c.mediaNode(m)
		inner := n.get
		n.get = func(c *call, f field) (any, bool, *world.Error) {
			if f.name == "username" || f.name == "owner" {
				return nil, false, nil
			}
			return inner(c, f)
		}
		e.nodes = append(e.nodes, n)
	}
	return c.listed(e)
}

func (c *call) searchedEdge(b *world.Business) edge {
	e := edge{path: "/" + b.IG + "/recently_searched_hashtags", limit: 25, most: 30}
	for _, s := range b.Searches {
		if c.api.w.Clock().Now().Sub(s.At) < week {
			e.nodes = append(e.nodes, hashtagNode(tagID(s.Tag), s.Tag))
		}
	}
	return e
}

func (c *call) searchedHashtags(id string) reply {
	if err := c.facebookOnly("recently_searched_hashtags"); err != nil {
		return fail(err)
	}
	return c.ofAccount(id, c.searchedEdge)
}
