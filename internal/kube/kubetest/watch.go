package kubetest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
)

type event struct {
	version int
	kind    string
	object  []byte
	labels  map[string]string
}

// changedLocked records an event.
func (c *Cluster) changedLocked(p *Pod, kind string) {
	c.version++
	p.Metadata.ResourceVersion = strconv.Itoa(c.version)
	object, _ := json.Marshal(p)
	c.events = append(c.events, event{c.version, kind, object, p.Metadata.Labels})
	c.cond.Broadcast()
}

func (c *Cluster) watch(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	from := number(q.Get("resourceVersion"))
	stop := false
	go func() {
		<-r.Context().Done()
		c.mu.Lock()
		stop = true
		c.cond.Broadcast()
		c.mu.Unlock()
	}()
	w.WriteHeader(200)
	w.(http.Flusher).Flush()
	for {
		c.mu.Lock()
		for !stop && !c.closed && (c.MuteWatch || c.version <= from) {
			c.cond.Wait()
		}
		i, _ := slices.BinarySearchFunc(c.events, from+1, func(e event, v int) int { return e.version - v })
		news := slices.Clone(c.events[i:])
		over := stop || c.closed
		c.mu.Unlock()
		if over {
			return
		}
		for _, e := range news {
			from = e.version
			if chosen(q.Get("labelSelector"), e.labels) {
				fmt.Fprintf(w, `{"type":%q,"object":%s}`+"\n", e.kind, e.object)
			}
		}
		fmt.Fprintf(w, `{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"%d"}}}`+"\n", from)
		w.(http.Flusher).Flush()
	}
}
