package spec

import (
	"strings"

	"maestro/internal/doc"
)

// variants describes an object whose `type` member decides which fields it has.
type variants[T any] struct {
	name  string
	about string
	types *enum
	forms []*object[T] // by index in types.words
	set   func(v *T, typ string)
}

// read reads the variant that n says it is.
func (o *variants[T]) read(d *decoder, n *doc.Node, v *T) bool {
	if !d.want(n, doc.Object) {
		return false
	}
	typ := n.Field("type")
	if typ.IsNull() {
		d.errorf(n, "needs a `type`: %s", strings.Join(o.types.words, ", "))
		return false
	}
	d.field("type")
	word, ok := d.word(typ, o.types)
	d.up()
	if !ok {
		return false
	}
	o.set(v, word)
	o.form(word).read(d, n, v)
	return true
}

func (o *variants[T]) form(typ string) *object[T] {
	for i, w := range o.types.words {
		if w == typ {
			return o.forms[i]
		}
	}
	return o.forms[0]
}

// typeField is the discriminator of a variant: read by variants, printed here.
func typeField[T any](typ string) field[T] {
	return field[T]{name: "type", about: "Discriminator.", shape: (&enum{words: []string{typ}}).shape(), need: true,
		read: func(*decoder, *doc.Node, *T) {},
		put:  func(dst []byte, name string, _ *T) []byte { return doc.AppendText(dst, name, typ) }}
}
