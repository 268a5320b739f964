package output

// Held returns how many bytes are held.
func (m *Marks) Held() int { return cap(m.buf) }
