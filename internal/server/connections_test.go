package server

import (
	"net"
	"testing"
)

// closable is a listener that nobody connects to.
type closable struct{ net.Listener }

func (closable) Close() error { return nil }

// TestDoor_Close closes a door while a connection is told that there is no room, by a client who does not read it.
func TestDoor_Close(t *testing.T) {
	t.Parallel()
	d := newDoor(closable{}, 1)
	d.open = d.limit + spare
	client, turned := net.Pipe()
	defer client.Close()
	if v := d.admit(turned); v != nil {
		t.Fatal("the connection is let in")
	}
	d.mu.Lock()
	n := len(d.turned)
	d.mu.Unlock()
	if n != 1 {
		t.Fatalf("%d connections are being turned away, want 1", n)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if len(d.turned) != 0 {
		t.Error("the connection is still being turned away after Close")
	}
	late, other := net.Pipe()
	defer late.Close()
	if v := d.admit(other); v != nil || len(d.turned) != 0 {
		t.Error("a closed door has something to do with a connection")
	}
}
