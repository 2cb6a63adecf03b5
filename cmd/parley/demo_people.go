package main

import "time"

// A guest is one simulated customer: who they are, and what they say and when. Pauses are
// counted from the line before.
type guest struct {
	id, name, email, locale string
	lines                   []line
}

type line struct {
	pause time.Duration
	text  string
}

// guests are the people of the demo's shop. Names, orders and places are invented.
var guests = []guest{
	{"88213", "Maya Lindqvist", "maya@lindqvist.example", "en", []line{
		{2 * time.Second, "Good morning! One of the poles of my Ridge 2 arrived cracked. Order HO-20418."},
		{6 * time.Second, "I leave for Norway on Friday morning, so I need a new one before that."},
		{40 * time.Second, "Could you deliver it to my office instead? Keizersgracht 12, someone is there until 17:00."},
	}},
	{"88377", "Tomás Herrera", "tomas.herrera@correo.example", "en", []line{
		{4 * time.Second, "Refund for HO-19877 not received"},
		{9 * time.Second, "It has been eleven days. Please tell me when the money will be back on my card."},
		{50 * time.Second, "Hello? Is anybody there?"},
	}},
	{"88402", "陈雨桐", "yutong@mail.example", "zh", []line{
		{5 * time.Second, "想问一下寄到杭州的运费"},
		{7 * time.Second, "你好，请问帐篷可以寄到杭州吗？大概要几天？"},
	}},
	{"88019", "Amara Okafor", "amara@okafor.example", "en", []line{
		{8 * time.Second, "Hi, sizing question for the Trail 38 pack."},
		{10 * time.Second, "I am 1.72 m with a long torso. Is M right, or should I take L?"},
	}},
	{"88500", "Noah Becker", "noah@becker.example", "en", []line{
		{14 * time.Second, "The discount code from your story does not work at checkout: FJORD15"},
	}},
	{"87955", "Liam O’Connor", "liam@oconnor.example", "en", []line{
		{18 * time.Second, "My boots rub at the heel after two days. Can I still change them for 42.5?"},
		{45 * time.Second, "They are worn, but clean."},
	}},
	{"88111", "Sofia Rossi", "sofia.rossi@posta.example", "en", []line{
		{22 * time.Second, "Can I change the delivery date to next Tuesday?"},
		{12 * time.Second, "Postcode is 20121."},
	}},
	{"88507", "Ingrid Solberg", "ingrid@solberg.example", "en", []line{
		{28 * time.Second, "The invoice has the wrong VAT number. It should end in MVA."},
	}},
	{"87412", "Henk de Vries", "henk@devries.example", "en", []line{
		{34 * time.Second, "Do you sell spare stakes for the Ridge 4 one by one?"},
		{30 * time.Second, "Six would be enough."},
	}},
	{"88514", "Chloé Martin", "chloe.martin@troupe.example", "en", []line{
		{39 * time.Second, "We are a scout troop and need 24 sleeping mats. Is there a group price?"},
	}},
}
