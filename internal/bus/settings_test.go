package bus

import (
	"reflect"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
)

func TestSettings(t *testing.T) {
	c := Config{Node: "n"}
	must(t, c.defaults())
	k := Config{Node: "n", Brokers: []string{"b:1"}}
	must(t, k.defaults())
	p := defaultProduce(c.Message)
	f := fetchRequest("t", 0, 0)
	tr, err := newTransport("n", nil, Security{}, leadersCluster)
	must(t, err)
	g := groupConfig([]string{"b"}, tr, "g", "t", c.Session)
	for _, x := range []struct {
		name      string
		got, want any
	}{
		{"partitions", c.Partitions, 8},
		{"record", c.Message, 1 << 20},
		{"session embedded", c.Session, 3 * time.Second},
		{"session on a stock broker", k.Session, 6 * time.Second},
		{"replication embedded", c.Replication, 1},
		{"replication is the cluster's", k.Replication, -1},
		{"acks", p.acks, kafka.RequireAll},
		{"balancer", reflect.TypeOf(p.balancer), reflect.TypeFor[*kafka.Hash]()},
		{"attempts", p.attempts, 5},
		{"back-off from", p.min, 20 * time.Millisecond},
		{"back-off to", p.max, 250 * time.Millisecond},
		{"request", p.perRequest, 3 * time.Second},
		{"records in a request", p.records, 500},
		{"heartbeat", g.HeartbeatInterval, 300 * time.Millisecond},
		{"rebalance", g.RebalanceTimeout, 5 * time.Second},
		{"join back-off", g.JoinGroupBackoff, 200 * time.Millisecond},
		{"group timeout", g.Timeout, 2 * time.Second},
		{"from", g.StartOffset, kafka.FirstOffset},
		{"group client id", g.Dialer.ClientID, "n"},
		{"group balancers", len(g.GroupBalancers), 1},
		{"fetch min", f.MinBytes, int64(1)},
		{"fetch max", f.MaxBytes, int64(1 << 20)},
		{"fetch wait", f.MaxWait, 5 * time.Second},
		{"client id", tr.ClientID, "n"},
		{"dial", tr.DialTimeout, 2 * time.Second},
		{"idle", tr.IdleTimeout, 5 * time.Minute},
		{"metadata", tr.MetadataTTL, time.Second},
		{"commit", commitEvery, 50 * time.Millisecond},
		{"checkpoint", checkpointEvery, time.Second},
		{"segment", segmentBytes, 2 << 20},
		{"partition", partitionBytes, 8 << 20},
	} {
		if !reflect.DeepEqual(x.got, x.want) {
			t.Errorf("%s: %v, want %v", x.name, x.got, x.want)
		}
	}
	if grace >= g.RebalanceTimeout {
		t.Error("handlers may go on for longer than the group waits")
	}
	if err := (&Config{}).defaults(); err == nil {
		t.Error("a node without a name is refused")
	}
}

func TestTopicsOfTheHub(t *testing.T) {
	for _, s := range All {
		if s.spec().name == "" || s.spec().keyOf == nil {
			t.Errorf("%+v", s)
		}
	}
	if !Inbound.Durable || !Journal.Durable || Timeline.Durable || Outbound.Durable {
		t.Error("inbound and journal cannot be rebuilt; timeline and outbound can")
	}
	if Journal.Depth == nil {
		t.Error("the journal refuses endless causes")
	}
}
