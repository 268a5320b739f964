// Checker judges a store after a torture test: was every acknowledged start kept, is every journal legal, has every run
// ended. It shares nothing with the server but the store and the form of journal entries.
//
//	checker -store FILE [-acks FILE] [-live]
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"

	"maestro/internal/checker"
	"maestro/internal/store/sqlite"
)

func main() {
	path := flag.String("store", "", "SQLite file to read; nobody else may have it open")
	acked := flag.String("acks", "", "file of acknowledged starts, one JSON object per line")
	live := flag.Bool("live", false, "runs may be live")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *path, *acked, !*live); err != nil {
		fmt.Fprintln(os.Stderr, "checker:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, path, acked string, finished bool) error {
	if path == "" {
		return errors.New("-store is missing")
	}
	if _, err := os.Stat(path); err != nil {
		return err
	}
	var acks []checker.Ack
	if acked != "" {
		f, err := os.Open(acked)
		if err != nil {
			return err
		}
		defer f.Close()
		if acks, err = checker.ReadAcks(f); err != nil {
			return fmt.Errorf("read %s: %w", acked, err)
		}
	}
	s, err := sqlite.Open(ctx, path, sqlite.Options{})
	if err != nil {
		return err
	}
	defer s.Close()
	r, err := checker.Store(ctx, s, acks, finished)
	if err != nil {
		return err
	}
	fmt.Printf("%d runs, %d entries, %d acknowledged starts, ended %v\n", r.Runs, r.Entries, r.Acks, r.ByStatus)
	for _, p := range r.Problems {
		fmt.Println(p)
	}
	if len(r.Problems) > 0 {
		return fmt.Errorf("%d problems", len(r.Problems))
	}
	return nil
}
