package doc

import "hash/maphash"

// NameIndex finds members by name: a hash table of numbers of members, with linear probing. Its seed is random, so no
// document can make names collide. Few members have no table and are looked through. The zero value is that of none.
type NameIndex struct {
	seed  maphash.Seed
	slots []int32 // number of the member + 1; a power of two, at most half full
}

const wide = 16

// Find returns the number of the member called name, or -1.
func (x *NameIndex) Find(members []Member, name string) int {
	if x.slots == nil {
		for i := range members {
			if members[i].Name == name {
				return i
			}
		}
		return -1
	}
	mask := len(x.slots) - 1
	for at := int(maphash.String(x.seed, name)) & mask; x.slots[at] != 0; at = (at + 1) & mask {
		if i := int(x.slots[at]) - 1; members[i].Name == name {
			return i
		}
	}
	return -1
}

// Add enters the last of members; the others were entered before.
func (x *NameIndex) Add(members []Member) {
	switch {
	case len(members) < wide:
		return
	case x.slots == nil:
		x.seed = maphash.MakeSeed()
		fallthrough
	case 2*len(members) > len(x.slots):
		x.slots = make([]int32, max(4*wide, 2*len(x.slots)))
		for i := range members {
			x.put(members[i].Name, i)
		}
	default:
		x.put(members[len(members)-1].Name, len(members)-1)
	}
}

func (x *NameIndex) put(name string, i int) {
	mask := len(x.slots) - 1
	at := int(maphash.String(x.seed, name)) & mask
	for x.slots[at] != 0 {
		at = (at + 1) & mask
	}
	x.slots[at] = int32(i + 1)
}
