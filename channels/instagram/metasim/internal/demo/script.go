package demo

import (
	"github.com/parley-hub/parley/channels/instagram/metasim/internal/control"
	"github.com/parley-hub/parley/channels/instagram/metasim/internal/world"
)

// role is one customer and what is said when somebody answers.
type role struct {
	key, name string
	followers int
	answers   []string
}

var cast = []role{
	{"nora.lindqvist", "Nora Lindqvist", 312, []string{
		"Oh perfect, the large one then. Can you hold it until Saturday?",
		"You're the best, thank you! 🌿",
	}},
	{"tomas.a", "Tomás Aguilar", 1204, []string{
		"Order 2291, to Lisbon. It was meant to come on Tuesday.",
		"Ok, that helps. Thanks for looking so quickly.",
	}},
	{"mei.lin.tea", "林美", 8790, []string{
		"好的，谢谢！那我周末来店里看看。",
	}},
	{"jordan_okafor", "Jordan Okafor", 97, []string{
		"Sending it back sounds right. Do I need the box?",
		"Great, will do tomorrow.",
	}},
	{"petra.v", "Petra Vass", 540, []string{
		"Thursday at six works for both of us.",
	}},
}

func answersOf(key string) []string {
	for _, r := range cast {
		if r.key == key {
			return r.answers
		}
	}
	return nil
}

var posts = []struct {
	caption string
	likes   int
}{
	{"The autumn planters are out of the kiln. Three sizes, two glazes, one very tired potter. #ceramics #planters", 214},
	{"Wheel evenings are back: Thursdays at six, four seats each. #pottery", 131},
	{"Seconds shelf, this Saturday only. Small flaws, small prices.", 98},
}

// cue is an act some seconds after the one before.
type cue struct {
	after float64
	post  int
	act   control.Act
}

func say(person, text string) control.Act {
	return control.Act{Do: "dm", Person: person, Utterance: world.Utterance{Text: text}}
}

func remark(person, text string) control.Act {
	return control.Act{Do: "comment", Person: person, Utterance: world.Utterance{Text: text}}
}

var cues = []cue{
	{after: 3, act: say("nora.lindqvist", "Hi! Do you still have the moss green planter from the last post?")},
	{after: 6, post: 0, act: remark("petra.v", "These are gorgeous 😍 how tall is the middle one?")},
	{after: 9, act: say("tomas.a", "Hello, my parcel has not moved for four days. Is everything ok?")},
	{after: 12, act: say("mei.lin.tea", "您好，请问可以定制带名字的茶杯吗？")},
	{after: 14, act: say("nora.lindqvist", "And is it the kind with a hole in the bottom?")},
	{after: 16, act: say("jordan_okafor", "This arrived today and there is a crack along the rim")},
	{after: 3, act: control.Act{Do: "dm", Person: "jordan_okafor", Utterance: world.Utterance{
		Attachments: []world.Attachment{{Type: "image"}}}}},
	{after: 18, post: 0, act: remark("tomas.a", "Ordered two last month and still no news. Please answer your messages!")},
	{after: 15, post: 1, act: remark("mei.lin.tea", "Is this for beginners too?")},
	{after: 20, act: say("petra.v", "Is there still room for two at the wheel evening?")},
	{after: 25, act: control.Act{Do: "story_mention", Person: "mei.lin.tea"}},
	{after: 30, post: 2, act: remark("jordan_okafor", "What time do the doors open?")},
}
