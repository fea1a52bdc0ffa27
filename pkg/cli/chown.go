package cli

import (
	"io/fs"
	"os"
	"syscall"
)

// chown gives a file the owner of another. A user who may not do so keeps what is theirs.
func chown(f *os.File, like fs.FileInfo) {
	if st, ok := like.Sys().(*syscall.Stat_t); ok {
		_ = f.Chown(int(st.Uid), int(st.Gid))
	}
}
