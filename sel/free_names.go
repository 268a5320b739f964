package sel

// freeNames walks a tree in source order and collects the names that are read before they are assigned or declared.
// The walk does not follow the flow: what is assigned in one branch counts as assigned after it.
func freeNames(t *tree) []string {
	w := &nameWalk{}
	for _, s := range t.body {
		w.stmt(s)
	}
	return w.free
}

type nameWalk struct {
	free []string
	seen nameList
}

func (w *nameWalk) first(word string) bool {
	if w.seen.find(word) >= 0 {
		return false
	}
	w.seen.add(word)
	return true
}

func (w *nameWalk) read(word string) {
	if !w.first(word) {
		return
	}
	if _, static := staticObject(word); !static || word == "params" {
		w.free = append(w.free, word)
	}
}

func (w *nameWalk) stmt(s statement) {
	switch s := s.(type) {
	case *declStmt:
		for _, v := range s.Vars {
			w.first(v.Name)
			w.expr(v.Init)
		}
	case *exprStmt:
		w.expr(s.X)
	case *blockStmt:
		for _, b := range s.Body {
			w.stmt(b)
		}
	case *ifStmt:
		w.expr(s.Cond)
		w.stmt(s.Then)
		w.stmt(s.Else)
	case *loopStmt:
		w.stmt(s.Init)
		w.expr(s.Cond)
		w.expr(s.Update)
		w.stmt(s.Body)
	case *returnStmt:
		w.expr(s.X)
	case *throwStmt:
		w.expr(s.X)
	}
}

func (w *nameWalk) expr(e expression) {
	switch e := e.(type) {
	case *name:
		w.read(e.Name)
	case *unary:
		w.expr(e.X)
	case *binary:
		w.expr(e.L)
		w.expr(e.R)
	case *ternary:
		w.expr(e.Cond)
		w.expr(e.Then)
		w.expr(e.Else)
	case *assign:
		w.first(e.Name)
		w.expr(e.Index)
		w.expr(e.Right)
	case *index:
		w.expr(e.X)
		w.expr(e.I)
	case *field:
		w.expr(e.X)
	case *call:
		w.expr(e.X)
		w.list(e.Args)
	case *newObject:
		w.list(e.Args)
	case *newArray:
		w.expr(e.Size)
		w.list(e.Elems)
	}
}

func (w *nameWalk) list(l []expression) {
	for _, e := range l {
		w.expr(e)
	}
}

// nameList numbers names in the order they come. Most scripts have few, for which a scan is cheaper than a map.
type nameList struct {
	names []string
	index map[string]int // nil while there are few
}

func (l *nameList) find(word string) int {
	if l.index != nil {
		if i, ok := l.index[word]; ok {
			return i
		}
		return -1
	}
	for i, n := range l.names {
		if n == word {
			return i
		}
	}
	return -1
}

func (l *nameList) add(word string) int {
	l.names = append(l.names, word)
	n := len(l.names)
	if l.index == nil && n == 16 {
		l.index = make(map[string]int, 2*n)
		for i, w := range l.names {
			l.index[w] = i
		}
	} else if l.index != nil {
		l.index[word] = n - 1
	}
	return n - 1
}
