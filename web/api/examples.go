package api

import (
	"time"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/timeline"
)

// What the description shows as examples.
const exampleEventID = exampleID + "." + exampleID + "." + exampleID

var (
	exampleTime         = time.Date(2026, 3, 2, 9, 30, 0, 0, time.UTC)
	exampleTeam         = Team{ID: exampleID, Name: "Orders", Color: "#2b53c6"}
	exampleAgent        = Agent{ID: exampleID, Email: "priya@example.org", Name: "Priya Nair", Initials: "PN", Color: "#2b53c6", Roles: []string{"agent"}, Teams: []timeline.TeamID{exampleID}, CreatedAt: exampleTime}
	exampleConversation = timeline.Conversation{ID: exampleID, Number: 1042, Person: exampleID, Name: "Maya", Queue: "support", State: timeline.Open,
		Legs: []timeline.Leg{{ID: "demo|v-1", Channel: "webchat", Display: "Maya"}}, Seq: 12, InCount: 5, LastInSeq: 12, LastAt: exampleTime, CreatedAt: exampleTime}
	exampleEvent = timeline.Event{ID: "demo|msg:1", Kind: timeline.KindMessage, Conversation: exampleID, Seq: 12, Leg: "demo|v-1", Direction: timeline.In,
		Actor: timeline.Actor{Kind: timeline.ActorCustomer, Name: "Maya"}, At: exampleTime, Received: exampleTime, Message: &timeline.Message{Text: "Where is my parcel?"}}
	examplePerson  = timeline.Person{ID: exampleID, Name: "Maya", CreatedAt: exampleTime, LastAt: exampleTime}
	exampleAccount = Account{ID: exampleID, Channel: "webchat", Name: "Shop", Queue: "support", Settings: map[string]string{"title": "Shop"}, Enabled: true, Secrets: map[string]bool{}, Health: channels.Health{State: channels.Green}}
	exampleRecord  = AuditRecord{ID: exampleID, Seq: 7, At: exampleTime, Actor: exampleID, Name: "Priya Nair", Action: "agent.update", Target: exampleID}
)
