package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"

	"maestro/internal/kube"
	"maestro/internal/kube/kubetest"
)

// cluster is where pods of steps live. It writes down which have really done their work and which were lost.
type cluster struct {
	*kubetest.Cluster
	o *outside

	mu   sync.Mutex
	name map[string]string // by pod: the attempt, without its uuid
	did  map[string]bool   // by pod, which is the uuid of the attempt
	lost map[string]bool
}

func newCluster(o *outside, k *kubetest.Cluster) *cluster {
	c := &cluster{Cluster: k, o: o, name: map[string]string{}, did: map[string]bool{}, lost: map[string]bool{}}
	k.Interfere, k.Live = c.interfere, c.live
	return c
}

// attemptOf returns the attempt whose pod it is, as [workflow][instance][run][step][attempt], and its uuid.
func attemptOf(annotations map[string]string) (name, uuid string) {
	identity := annotations["step_identity"]
	at := strings.LastIndexByte(identity, '[')
	if at < 0 {
		return identity, ""
	}
	return identity[:at], strings.Trim(identity[at:], "[]")
}

// interfere lets a request go wrong.
func (c *cluster) interfere(w http.ResponseWriter, r *http.Request) bool {
	part := strings.Split(strings.Trim(r.URL.Path, "/"), "/") // api v1 namespaces NS pods [NAME [log]]
	possible, what := podMishaps, strings.ToLower(r.Method)+" "
	switch {
	case r.URL.Query().Get("watch") != "":
		possible, what = watchMishaps, "watch"
	case r.Method == http.MethodPost:
		what += c.read(r)
	case len(part) == 5:
		possible, what = listMishaps, "list"
	case len(part) == 7:
		possible, what = logMishaps, "log "+c.known(part[5])
	default:
		what += c.known(part[5])
	}
	luck := c.o.draw(what)
	do, ok := befalls(c.o, luck, possible)
	if ok {
		do(c, w, r, luck)
	}
	return ok
}

// read reads who wants a pod, and leaves the request as it was.
func (c *cluster) read(r *http.Request) string {
	text, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	r.Body = io.NopCloser(bytes.NewReader(text))
	var m kube.Manifest
	_ = json.Unmarshal(text, &m)
	name, uuid := attemptOf(m.Metadata.Annotations)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.name[uuid] = name
	r.Header.Set("X-Pod", uuid)
	return name
}

// hasLost reports whether a pod vanished.
func (c *cluster) hasLost(pod string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lost[pod]
}

func (c *cluster) known(pod string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.name[pod]
}

type podMishap func(c *cluster, w http.ResponseWriter, r *http.Request, luck *rand.Rand)

// obeyed has a request obeyed before its answer goes wrong.
func obeyed(do podMishap) podMishap {
	return func(c *cluster, w http.ResponseWriter, r *http.Request, luck *rand.Rand) {
		c.Obey(r)
		do(c, w, r, luck)
	}
}

// refuses answers with an error of the API.
func refuses(code int, reason string) podMishap {
	return func(_ *cluster, w http.ResponseWriter, _ *http.Request, luck *rand.Rand) {
		if code == 429 {
			w.Header().Set("Retry-After", fmt.Sprint(luck.IntN(2)))
		}
		w.WriteHeader(code)
		_ = json.NewEncoder(w).Encode(kubetest.Problem(code, reason))
	}
}

// answerLate obeys late, too, whoever still waits for it: but not so late that the pod has come and gone meanwhile.
func answerLate(c *cluster, w http.ResponseWriter, r *http.Request, luck *rand.Rand) {
	time.Sleep(between(luck, 100, 1500))
	if c.hasLost(r.Header.Get("X-Pod")) {
		panic(http.ErrAbortHandler)
	}
	c.Answer(w, r)
}

func hangUp(*cluster, http.ResponseWriter, *http.Request, *rand.Rand) { panic(http.ErrAbortHandler) }

func answerGarbage(_ *cluster, w http.ResponseWriter, _ *http.Request, _ *rand.Rand) {
	io.WriteString(w, "<html>welcome to the proxy")
}

func breakOff(_ *cluster, w http.ResponseWriter, _ *http.Request, _ *rand.Rand) {
	w.Header().Set("Content-Length", "100")
	io.WriteString(w, `{"kind":"Pod","metadata":{"name":"`)
	panic(http.ErrAbortHandler)
}

func hugeAnswer(_ *cluster, w http.ResponseWriter, _ *http.Request, _ *rand.Rand) {
	io.WriteString(w, `{"kind":"Pod","metadata":{"name":"`)
	endless(w)
}

// strike kills the server while it waits for the answer.
func strike(c *cluster, _ http.ResponseWriter, _ *http.Request, _ *rand.Rand) {
	c.o.strike()
	panic(http.ErrAbortHandler)
}

// strikeAfter kills the server just after it has heard the answer.
func strikeAfter(c *cluster, w http.ResponseWriter, r *http.Request, luck *rand.Rand) {
	c.Answer(w, r)
	time.AfterFunc(time.Duration(luck.IntN(5000))*time.Microsecond, c.o.strike)
}

// podMishaps befall what is asked of one pod.
var podMishaps = []mishap[podMishap]{
	{"pod-late", 60, answerLate},
	{"pod-closed", 40, hangUp},
	{"pod-done-closed", 60, obeyed(hangUp)},
	{"pod-garbage", 20, answerGarbage},
	{"pod-done-garbage", 20, obeyed(answerGarbage)},
	{"pod-cut", 20, obeyed(breakOff)},
	{"pod-huge", 5, hugeAnswer},
	{"pod-429", 50, refuses(429, "TooManyRequests")},
	{"pod-500", 30, refuses(500, "InternalError")},
	{"pod-done-500", 30, obeyed(refuses(500, "InternalError"))},
	{"pod-504", 10, obeyed(refuses(504, "Timeout"))},
	{"pod-403", 20, refuses(403, "Forbidden")},
	{"pod-409", 20, refuses(409, "Conflict")},
	{"pod-strikes", 5, strike},
	{"pod-done-strikes", 15, obeyed(strike)},
	{"pod-answers-strikes", 15, strikeAfter},
}

var logMishaps = []mishap[podMishap]{
	{"log-late", 50, answerLate},
	{"log-closed", 50, hangUp},
	{"log-cut", 50, breakOff},
	{"log-429", 50, refuses(429, "TooManyRequests")},
	{"log-500", 50, refuses(500, "InternalError")},
	{"log-strikes", 20, strike},
	{"log-answers-strikes", 20, strikeAfter},
}

var listMishaps = []mishap[podMishap]{
	{"list-late", 50, answerLate},
	{"list-closed", 50, hangUp},
	{"list-garbage", 50, answerGarbage},
	{"list-410", 100, refuses(410, "Expired")},
	{"list-429", 50, refuses(429, "TooManyRequests")},
	{"list-500", 50, refuses(500, "InternalError")},
	{"list-huge", 10, hugeAnswer},
}

var watchMishaps = []mishap[podMishap]{
	{"watch-ends", 150, endsWith(func() {})},
	{"watch-closed", 150, endsWith(func() { panic(http.ErrAbortHandler) })},
	{"watch-410", 100, refuses(410, "Expired")},
	{"watch-410-later", 100, func(c *cluster, w http.ResponseWriter, r *http.Request, luck *rand.Rand) {
		endsWith(func() {})(c, w, r, luck)
		fmt.Fprintln(w, `{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired"}}`)
	}},
	{"watch-garbage", 50, answerGarbage},
	{"watch-mute", 100, func(_ *cluster, w http.ResponseWriter, r *http.Request, luck *rand.Rand) {
		w.(http.Flusher).Flush()
		select {
		case <-time.After(between(luck, 500, 3000)):
		case <-r.Context().Done():
		}
	}},
	{"watch-huge", 20, func(_ *cluster, w http.ResponseWriter, _ *http.Request, _ *rand.Rand) {
		io.WriteString(w, `{"type":"ADDED","object":{"x":"`)
		endless(w)
	}},
}

// endsWith ends a watch after a while, in some way.
func endsWith(how func()) podMishap {
	return func(c *cluster, w http.ResponseWriter, r *http.Request, luck *rand.Rand) {
		ctx, cancel := context.WithTimeout(r.Context(), between(luck, 50, 1000))
		defer cancel()
		c.Answer(w, r.WithContext(ctx))
		how()
	}
}
