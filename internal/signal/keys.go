package signal

import (
	"math"
	"strings"
	"unicode/utf8"

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

// sep ends a part of a key. It is below every byte of an escaped text.
const sep = "\x01"

var escaper = strings.NewReplacer("\x00", "\x02\x02", "\x01", "\x02\x03", "\x02", "\x02\x04")

// escape keeps sep, and what is below, out of a text. It preserves the order of texts.
func escape(s string) string {
	if strings.IndexFunc(s, func(r rune) bool { return r <= 2 }) < 0 {
		return s
	}
	return escaper.Replace(s)
}

var unescaper = strings.NewReplacer("\x02\x02", "\x00", "\x02\x03", "\x01", "\x02\x04", "\x02")

const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// appendNumber appends n so that longer numbers sort later: its count of digits, then its digits.
func appendNumber(dst []byte, n uint64) []byte {
	var buf [11]byte
	at := len(buf)
	for ; n > 0; n /= 62 {
		at--
		buf[at] = digits[n%62]
	}
	return append(append(dst, digits[len(buf)-at]), buf[at:]...)
}

func parseNumber(s string) (n int64) {
	if len(s) < 1 {
		return 0
	}
	for i := 1; i < len(s); i++ {
		n = n*62 + int64(strings.IndexByte(digits, s[i]))
	}
	return n
}

// The first bytes of encoded values: texts sort before integers, negative ones before the others.
const (
	textMark     = "#"
	negativeMark = "m"
	positiveMark = "n"
)

// indexed is how many bytes of a text go into keys. Texts that differ only behind them share their keys, so that what the
// index finds must be looked at.
const indexed = 256

// encode returns the value as part of a key.
func (v Value) encode() string {
	switch {
	case !v.IsLong:
		text := v.Text
		if len(text) > indexed {
			cut := indexed
			for cut > 0 && !utf8.RuneStart(text[cut]) {
				cut--
			}
			text = text[:cut]
		}
		return textMark + escape(text)
	case v.Long >= 0:
		return string(appendNumber([]byte(positiveMark), uint64(v.Long)))
	default:
		return string(appendNumber([]byte(negativeMark), uint64(v.Long-math.MinInt64)))
	}
}

func numberText(n int64) string { return string(appendNumber(nil, uint64(n))) }

// instancePrefix begins the keys of all instances of a name, in collections that are ordered by number.
func instancePrefix(name string) string { return escape(name) + sep }

func instanceKey(name string, seq int64) string { return instancePrefix(name) + numberText(seq) }

func idKey(name, id string) string { return escape(name) + sep + escape(id) }

func paramPrefix(name, param string) string { return escape(name) + sep + escape(param) + sep }

// postingPrefix begins the keys of all instances of a name that have this value.
func postingPrefix(name string, p Param) string {
	return paramPrefix(name, p.Name) + p.Value.encode() + sep
}

// ParseNewsKey returns the name and number that a key of KindNews is about.
func ParseNewsKey(key string) (name string, seq int64) {
	i := strings.LastIndex(key, sep)
	if i < 0 {
		return key, 0
	}
	return unescaper.Replace(key[:i]), parseNumber(key[i+1:])
}

// NewsKey is the key of an instance in KindNews.
func NewsKey(name string, seq int64) string { return instanceKey(name, seq) }

// records returns what must be written for an instance.
func records(i *Instance, news bool) []store.Record {
	seq := []byte(numberText(i.Seq))
	out := make([]store.Record, 0, 4+len(i.Params))
	for _, p := range i.Params {
		out = append(out, store.Record{Kind: kindParam, Key: postingPrefix(i.Name, p) + string(seq), Value: []byte{}})
	}
	if i.Seq%lastEvery == 0 {
		out = append(out, store.Record{Kind: kindLast, Key: escape(i.Name), Value: seq})
	}
	if news {
		out = append(out, store.Record{Kind: KindNews, Key: NewsKey(i.Name, i.Seq), Value: []byte{}})
	}
	return append(out,
		store.Record{Kind: kindInstance, Key: instanceKey(i.Name, i.Seq), Value: i.AppendJSON(nil), Unique: true},
		store.Record{Kind: kindID, Key: idKey(i.Name, i.ID), Value: seq, Unique: true})
}
