package kube

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// BenchmarkWatchPods hears of changes of pods of 8 KB, most of which is of no interest.
func BenchmarkWatchPods(b *testing.B) {
	field := `{"name":"SOME_VARIABLE","value":"` + strings.Repeat("x", 60) + `"},`
	event := `{"type":"MODIFIED","object":{"kind":"Pod","metadata":{"name":"p","uid":"u","resourceVersion":"7","labels":{"a":"b"}},"spec":{"env":[` +
		strings.Repeat(field, 80) + `{}]},"status":{"phase":"Running","containerStatuses":[{"name":"c","state":{"running":{}}}]}}}` + "\n"
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for range b.N {
			io.WriteString(w, event)
		}
	}))
	defer s.Close()
	c, err := New(Config{Server: s.URL})
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	b.SetBytes(int64(len(event)))
	b.ReportAllocs()
	if _, err := c.WatchPods(b.Context(), "n", "", "1", time.Hour, func(*Event) {}); err != nil {
		b.Fatal(err)
	}
}
