package sqlite

import "os"

// links returns how many names a file may have. The system does not tell without opening it.
func links(os.FileInfo) uint64 { return 2 }
