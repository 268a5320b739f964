package board

import (
	"strings"

	"maestro/internal/signal"
	"maestro/internal/store"
)

// The collections of the store, and their keys. Names, params and texts are escaped so that no key is a prefix of
// another one by accident, and numbers are written so that their byte order is their order. The encoding is private.
const (
	kindInstance = "signal"       // name, number: the instance (JSON)
	kindID       = "signal_id"    // name, instance id: the number. It makes ids unique
	kindParam    = "signal_param" // name, param, value, number: nothing. It is the index of params
	kindLast     = "signal_last"  // name: a number, at most lastEvery below the highest
	KindNews     = "signal_news"  // name, number: nothing. Instances of subscribed names that triggers have not seen
)

// lastEvery is how often the highest number of a name is written down; the rest is found by reading on from there.
const lastEvery = 32

// instancePrefix begins the keys of all instances of a name, in collections that are ordered by number.
func instancePrefix(name string) string { return signal.Escape(name) + signal.Sep }

func numberText(n int64) string { return string(signal.AppendNumber(nil, uint64(n))) }

func instanceKey(name string, seq int64) string { return instancePrefix(name) + numberText(seq) }

func idKey(name, id string) string { return signal.Escape(name) + signal.Sep + signal.Escape(id) }

func paramPrefix(name, param string) string {
	return signal.Escape(name) + signal.Sep + signal.Escape(param) + signal.Sep
}

// postingPrefix begins the keys of all instances of a name that have this value.
func postingPrefix(name string, p signal.Param) string {
	return paramPrefix(name, p.Name) + p.Value.Key() + signal.Sep
}

// ParseNewsKey returns the name and number that a key of KindNews is about.
func ParseNewsKey(key string) (name string, seq int64) {
	i := strings.LastIndex(key, signal.Sep)
	if i < 0 {
		return key, 0
	}
	return signal.Unescape(key[:i]), signal.ParseNumber(key[i+1:])
}

// NewsKey is the key of an instance in KindNews.
func NewsKey(name string, seq int64) string { return instanceKey(name, seq) }

// records returns what must be written for an instance.
func records(i *signal.Instance, news bool) []store.Record {
	seq := []byte(numberText(i.Seq))
	out := make([]store.Record, 0, 4+len(i.Params))
	for _, p := range i.Params {
		out = append(out, store.Record{Kind: kindParam, Key: postingPrefix(i.Name, p) + string(seq), Value: []byte{}})
	}
	if i.Seq%lastEvery == 0 {
		out = append(out, store.Record{Kind: kindLast, Key: signal.Escape(i.Name), Value: seq})
	}
	if news {
		out = append(out, store.Record{Kind: KindNews, Key: NewsKey(i.Name, i.Seq), Value: []byte{}})
	}
	return append(out,
		store.Record{Kind: kindInstance, Key: instanceKey(i.Name, i.Seq), Value: i.AppendJSON(nil), Unique: true},
		store.Record{Kind: kindID, Key: idKey(i.Name, i.ID), Value: seq, Unique: true})
}
