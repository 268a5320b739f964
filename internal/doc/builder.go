package doc

// Builder makes the nodes of one document for its parser. It counts them against the limits, and allocates many at a
// time. What is open (lists and objects whose end was not seen yet) stands on two stacks, so that each list of children
// is allocated once and to size.
type Builder struct {
	limits Limits

	nodes   int
	words   map[string]string // interned names and short texts
	items   []*Node           // of the lists that are open
	members []Member          // of the objects that are open

	freeNodes   []Node // allocated, but not given to a node yet; the others likewise
	freeItems   []*Node
	freeMembers []Member
}

// Nodes, elements and members are allocated about 16 KiB at a time, a size the allocator does not round.
const (
	slabNodes   = 200
	slabItems   = 2000
	slabMembers = 400
)

// NewBuilder returns a builder with limits that have their defaults.
func NewBuilder(limits Limits) *Builder { return &Builder{limits: limits} }

// Nodes returns how many values were made or charged.
func (b *Builder) Nodes() int { return b.nodes }

// Node makes a value, or refuses it when there are too many.
func (b *Builder) Node(kind Kind, pos Pos) (*Node, error) {
	if err := b.Charge(1, pos); err != nil {
		return nil, err
	}
	n := &take(&b.freeNodes, 1, min(max(b.nodes, 8), slabNodes))[0]
	n.Kind, n.Pos = kind, pos
	return n, nil
}

// Charge counts values that are used once more, as by an alias of YAML.
func (b *Builder) Charge(count int, pos Pos) error {
	const often = 1024
	before := b.nodes
	if b.nodes += count; b.nodes > b.limits.Nodes {
		return b.limits.TooMany(pos)
	}
	if b.limits.Stop != nil && (before == 0 || before/often != b.nodes/often) {
		return b.limits.Stop()
	}
	return nil
}

// Word returns text as a string, the same one for the same short text: documents repeat the same few hundred words.
func (b *Builder) Word(text []byte) string {
	const short, most = 24, 1024
	if len(text) > short {
		return string(text)
	}
	if have, ok := b.words[string(text)]; ok { // does not allocate
		return have
	}
	if b.words == nil {
		b.words = make(map[string]string)
	}
	s := string(text)
	if len(b.words) < most {
		b.words[s] = s
	}
	return s
}

// take cuts count values off free. Where free has too few, it is replaced by a slab of the given size; many values at
// once get an array of their own.
func take[T any](free *[]T, count, slab int) []T {
	if len(*free) < count {
		if count > slab/4 {
			return make([]T, count)
		}
		*free = make([]T, slab)
	}
	out := (*free)[:count:count]
	*free = (*free)[count:]
	return out
}

// push appends to a stack. Unlike append it always doubles what it needs: a stack is thrown away with its document, and
// the smaller steps of append would leave more behind.
func push[T any](stack []T, v T) []T {
	if len(stack) == cap(stack) {
		stack = append(make([]T, 0, max(16, 2*cap(stack))), stack...)
	}
	return append(stack, v)
}

// Items is a list that is open. Lists and objects are closed in the opposite order of opening.
type Items struct {
	b    *Builder
	base int
}

// Items opens a list.
func (b *Builder) Items() Items { return Items{b, len(b.items)} }

// Add appends an element.
func (l Items) Add(n *Node) { l.b.items = push(l.b.items, n) }

// Close gives the elements to n.
func (l Items) Close(n *Node) {
	n.Items = take(&l.b.freeItems, len(l.b.items)-l.base, min(l.b.nodes, slabItems))
	copy(n.Items, l.b.items[l.base:])
	clear(l.b.items[l.base:])
	l.b.items = l.b.items[:l.base]
}

// Fields is an object that is open.
type Fields struct {
	b     *Builder
	base  int
	index NameIndex
}

// Fields opens an object.
func (b *Builder) Fields() Fields { return Fields{b: b, base: len(b.members)} }

// Has reports whether there is a member called name.
func (f *Fields) Has(name string) bool { return f.find(name) >= 0 }

// Set adds a member, or replaces the one of the same name in its place: the last of two equal names wins, and knows
// where the first stands.
func (f *Fields) Set(m Member) {
	at := f.find(m.Name)
	if at < 0 {
		f.b.members = push(f.b.members, m)
		f.index.Add(f.b.members[f.base:])
		return
	}
	have := &f.b.members[f.base+at]
	if m.First = have.First; m.First == (Pos{}) {
		m.First = have.Pos
	}
	*have = m
}

// Close gives the members to n.
func (f *Fields) Close(n *Node) {
	n.Members = take(&f.b.freeMembers, len(f.b.members)-f.base, min(f.b.nodes, slabMembers))
	copy(n.Members, f.b.members[f.base:])
	clear(f.b.members[f.base:])
	f.b.members = f.b.members[:f.base]
}

func (f *Fields) find(name string) int { return f.index.Find(f.b.members[f.base:], name) }
