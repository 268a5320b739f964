package main

import (
	"fmt"
	"strings"
	"testing"
)

// announces is a step that announces a signal which no run has announced before.
func announces(signal string) string {
	return fmt.Sprintf(`{"step":{"id":"a","type":"NoOp","signal_outputs":[{"name":%q,"params":{"n":{"expression":"workflow_instance_id","type":"LONG"}}}]}}`, signal)
}

// TestWorkflowTriggersItself lets workflows go round, directly and through each other. The chain ends at its limit with a
// run that says why, and the server goes on.
func TestWorkflowTriggersItself(t *testing.T) {
	t.Parallel()
	d := serve(t, "--signals-max-chain", "7")
	put := func(id, hears, says string) {
		d.push(fmt.Sprintf(`{"properties":{"owner":"tester","run_strategy":"parallel"},"workflow":{"id":%q,"steps":[%s],"signal_triggers":[{"definitions":{%q:{}}}]}}`, id, announces(says), hears))
	}
	put("self", "again", "again")
	put("ping", "to-ping", "to-pong")
	put("pong", "to-pong", "to-ping")
	for _, signal := range []string{"again", "to-ping"} {
		if r := d.call("POST", "/api/v3/signals", fmt.Sprintf(`{"name":%q}`, signal)); r.status != 200 {
			t.Fatalf("announce: %d %s", r.status, r.body)
		}
	}
	for _, c := range []struct {
		id   string
		last int64 // whose chain is too long
		by   string
	}{{"self", 8, "[self][7][1]"}, {"pong", 4, "[ping][4][1]"}} {
		for n := int64(1); n < c.last; n++ {
			eventually(t, fmt.Sprintf("%s/%d is there", c.id, n), func() bool { return d.status(c.id, n) != "" })
			if got := d.ends(c.id, n); got != "SUCCEEDED" {
				t.Errorf("%s/%d ended as %s", c.id, n, got)
			}
		}
		eventually(t, c.id+" reaches the limit", func() bool { return d.status(c.id, c.last) != "" })
		if got := d.ends(c.id, c.last); got != "FAILED" {
			t.Errorf("%s/%d ended as %s", c.id, c.last, got)
		}
		out, errs, _ := d.cli("get", fmt.Sprintf("%s/%d", c.id, c.last))
		wants(t, out+errs, "signals.max_chain", c.by)
	}
	n := d.begin("self") // by hand
	if got := d.ends("self", n); got != "SUCCEEDED" {
		t.Errorf("a run that is begun by hand is %s", got)
	}
	eventually(t, "it begins a new chain", func() bool { return d.status("self", n+1) == "SUCCEEDED" })
	if r := d.call("GET", "/api/v3/workflows/self/instances/1", ""); strings.Contains(r.body, "chain") {
		t.Errorf("a run shows what is not the client's: %s", r.body)
	}
}
