package meta

import (
	"encoding/json"
	"net/http"
	"time"
)

// usageHeader tells how much of its allowance a business has used, by account, in percent.
const usageHeader = "X-Business-Use-Case-Usage"

// rest is how long the usage header asks an account to wait: the longest of its lines, 0 where
// there is none. The header counts in minutes.
func rest(h http.Header, account string) time.Duration {
	var lines map[string][]struct {
		Wait Int `json:"estimated_time_to_regain_access"`
	}
	v := h.Get(usageHeader)
	if v == "" || json.Unmarshal([]byte(v), &lines) != nil {
		return 0
	}
	if own := lines[account]; own != nil {
		lines = map[string][]struct {
			Wait Int `json:"estimated_time_to_regain_access"`
		}{account: own}
	}
	var most time.Duration
	for _, l := range lines {
		for _, u := range l {
			most = max(most, time.Duration(min(u.Wait, 24*60))*time.Minute)
		}
	}
	return most
}
