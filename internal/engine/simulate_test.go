package engine_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"maestro/api"
	"maestro/internal/checker"
	"maestro/internal/engine"
	"maestro/internal/engine/enginetest"
	"maestro/internal/engine/enginetest/flows"
	"maestro/internal/instance"
	"maestro/internal/step"
	"maestro/internal/store"
	"maestro/internal/store/faulty"
	"maestro/internal/uuid"
	"maestro/spec"
)

var (
	seeds   = flag.Int("seeds", 1000, "how many seeds TestSimulate plays")
	oneSeed = flag.Uint64("seed", 0, "the one seed that TestSimulate plays, with the engine's log")
)

// TestSimulate plays an engine against a world and a store that misbehave: reports are lost, late and doubled, runtimes
// panic and do not answer, commits fail, are slow, or happen and are reported as failed, the process dies in the middle
// of anything, and clients start, stop, kill, skip and restart meanwhile. When it is over every run must have ended,
// every journal must be legal, and everything that was acknowledged must be there.
//
// A seed fixes the workflows, what clients do and when, how every attempt behaves and what happens to the n-th commit.
// The order in which goroutines run is the scheduler's.
func TestSimulate(t *testing.T) {
	t.Parallel()
	if *oneSeed != 0 {
		synctest.Test(t, func(t *testing.T) { simulate(t, *oneSeed) })
		return
	}
	n := *seeds
	if testing.Short() {
		n = min(n, 100)
	}
	const workers = 4
	for w := range workers {
		t.Run(fmt.Sprint(w), func(t *testing.T) {
			t.Parallel()
			var seed uint64
			defer func() { // a bubble that fails ends the test
				if t.Failed() {
					t.Logf("seed %d failed; run it alone with: go test ./internal/engine -run Simulate -seed %d", seed, seed)
				}
			}()
			for seed = uint64(w) + 1; seed <= uint64(n); seed += workers {
				synctest.Test(t, func(t *testing.T) { simulate(t, seed) })
			}
		})
	}
}

// simulation is one seed.
type simulation struct {
	t     *testing.T
	r     *rand.Rand
	seed  uint64
	book  *enginetest.Book
	world *enginetest.World
	disk  *enginetest.Memory
	flows []string
	log   *slog.Logger

	engine atomic.Pointer[engine.Engine]
	calm   atomic.Bool // no more faults
	mortal atomic.Bool // the process may die at any write
	dead   atomic.Bool // it has
	writes atomic.Uint64

	mu    sync.Mutex
	store *faulty.Store
	acks  []engine.Started
	acts  []actAck
	wrong []string
	lives map[any]*life
}

// actAck is an action that a client was told is accepted.
type actAck struct {
	workflow      string
	instance, run int64
	step, user    string // step empty: of the whole run
	action        instance.Action
	at            int64
	completed     bool
}

func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }

func simulate(t *testing.T, seed uint64) {
	s := &simulation{
		t: t, seed: seed, r: newRand(seed), book: &enginetest.Book{}, disk: enginetest.NewMemory(),
		log: slog.New(slog.DiscardHandler), world: &enginetest.World{Seed: seed},
	}
	if *oneSeed != 0 {
		s.log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	s.world.Begin = func(a *step.Attempt) { s.durable(a, "begun", begun) }
	s.world.End = func(a *step.Attempt) { s.durable(a, "told to end", ending) }
	s.define()
	s.open()
	s.play()
	s.settle()
	s.judge()
	if len(s.wrong) > 0 {
		s.describe()
	}
	for i, w := range s.wrong {
		if i == 20 {
			t.Errorf("and %d more", len(s.wrong)-i)
			break
		}
		t.Error(w)
	}
}

func (s *simulation) errorf(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wrong = append(s.wrong, fmt.Sprintf(format, args...))
}

// define makes up the workflows.
func (s *simulation) define() {
	strategies := []string{`"parallel"`, `"parallel"`, `3`, `"sequential"`, `"strict_sequential"`, `"first_only"`, `"last_only"`}
	for i := range 1 + s.r.IntN(3) {
		f := flows.Random(s.r, flows.Shape{
			Steps: 8, Types: []string{"NoOp", "Shell", "Shell", "Shell", "Sleep"}, Timeouts: []int{5, 30, 300},
			Conditions: []string{"true", "true", "true", "false", "1 < 2", "1 > 2", "nonsense > 1"},
			Modes:      []string{"", "", "FAIL_AFTER_RUNNING", "FAIL_IMMEDIATELY", "IGNORE_FAILURE"},
		})
		id, workflow, limit := fmt.Sprintf("wf%d", i), "", ""
		if s.r.IntN(4) == 0 {
			workflow = `"timeout":600,`
		}
		if s.r.IntN(4) == 0 {
			limit = fmt.Sprintf(`,"step_concurrency":%d`, 1+s.r.IntN(3))
		}
		properties := fmt.Sprintf(`{"owner":"tester","run_strategy":%s%s}`, strategies[s.r.IntN(len(strategies))], limit)
		if err := s.book.Push(id, properties, workflow, f.JSON()...); err != nil {
			s.t.Fatal(err)
		}
		s.flows = append(s.flows, id)
	}
}

// fault says what happens to the next write.
func (s *simulation) fault(faulty.Write) faulty.Fault {
	if s.calm.Load() {
		return faulty.Fault{}
	}
	r := rand.New(rand.NewPCG(s.seed, s.writes.Add(1)+1<<32))
	var f faulty.Fault
	if r.IntN(4) == 0 {
		f.Delay = time.Duration(r.IntN(50)) * time.Millisecond
	}
	switch r.IntN(40) {
	case 0, 1:
		f.Err = errors.New("simulated: not written")
	case 2, 3:
		f.Err, f.Apply = errors.New("simulated: written, and reported as failed"), true
	case 4:
		f.Delay = time.Duration(r.IntN(5000)) * time.Millisecond
	case 5:
		f.Err = store.ErrFull
	case 6:
		f.Err, f.Delay = store.ErrLocked, 5*time.Second
	case 7:
		if r.IntN(4) == 0 && s.mortal.Load() {
			f.Die, f.Apply = true, r.IntN(2) == 0
			s.dead.Store(true)
		}
	}
	return f
}

// open starts an engine on the disk.
func (s *simulation) open() {
	lang, err := enginetest.Language()
	if err != nil {
		s.t.Fatal(err)
	}
	for {
		st := faulty.New(s.disk, s.fault)
		snapshots := instance.SnapshotRule{Entries: int(s.seed % 4)} // 0: none, as these runs are short; 1: in every entry
		e := engine.New(engine.Config{Groups: 2, IdleAfter: 2 * time.Second, Snapshots: snapshots}, st, s.book, lang, map[spec.StepType]step.Runtime{spec.TypeShell: s.world}, s.log)
		e.Observe(s.observe)
		s.dead.Store(false)
		err := e.Open(context.Background())
		s.mu.Lock()
		s.store = st
		s.mu.Unlock()
		s.engine.Store(e)
		if err == nil {
			return
		}
		s.close(false)
	}
}

// close ends the engine: its process dies, or it is told to stop.
func (s *simulation) close(die bool) {
	s.mu.Lock()
	st := s.store
	s.mu.Unlock()
	if die {
		st.Die()
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	if err := s.engine.Load().Close(ctx); ctx.Err() != nil {
		s.errorf("engine does not close: %v", err)
	}
}

// play has clients act and the engine come and go.
func (s *simulation) play() {
	var clients sync.WaitGroup
	s.mortal.Store(true)
	for n := range 10 + s.r.IntN(40) {
		time.Sleep(time.Duration(s.r.IntN([]int{5, 500, 20_000}[s.r.IntN(3)])) * time.Millisecond)
		if s.r.IntN(12) == 0 || s.dead.Load() {
			s.close(s.r.IntN(3) > 0)
			s.open()
		}
		r := rand.New(rand.NewPCG(s.seed, uint64(n)+1000))
		clients.Go(func() { s.client(n, r) })
	}
	s.mortal.Store(false)
	if s.dead.Load() {
		s.close(true)
		s.open()
	}
	clients.Wait()
}

// client does one thing.
func (s *simulation) client(n int, r *rand.Rand) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	e := s.engine.Load()
	flow, inst := s.flows[r.IntN(len(s.flows))], int64(1+r.IntN(6))
	user := fmt.Sprintf("user%d", n)
	stepID := fmt.Sprintf("s%d", r.IntN(8))
	endings := []instance.Action{instance.Stop, instance.Kill, instance.Skip}
	switch what := r.IntN(20); {
	case what < 9:
		s.start(ctx, flow, n, r)
	case what < 11:
		action := endings[r.IntN(2)]
		acted, err := e.ActOnRun(ctx, engine.RunAction{WorkflowID: flow, Instance: inst, Action: action, User: user})
		if err == nil {
			s.acted(actAck{workflow: flow, instance: inst, run: acted.Run, user: user, action: action, completed: acted.Completed})
		}
	case what < 15:
		action := endings[r.IntN(3)]
		acted, err := e.ActOnStep(ctx, engine.StepAction{WorkflowID: flow, Instance: inst, Step: stepID, Action: action, User: user, Blocking: r.IntN(2) == 0})
		if err == nil && acted.Restarted != nil {
			s.restarted(*acted.Restarted)
		} else if err == nil {
			s.acted(actAck{workflow: flow, instance: inst, run: acted.Run, step: stepID, user: user, action: action})
		}
	case what < 17:
		q := engine.RestartRequest{WorkflowID: flow, Instance: inst, User: user, Policy: []string{"RESTART_FROM_INCOMPLETE", "RESTART_FROM_BEGINNING"}[r.IntN(2)], RequestID: requestID(s.seed, n)}
		if r.IntN(2) == 0 {
			if started, err := e.Restart(ctx, q); err == nil {
				s.restarted(started)
			}
			return
		}
		q.Step, q.Policy = stepID, "RESTART_FROM_INCOMPLETE"
		if acted, err := e.RestartStep(ctx, q); err == nil && acted.Restarted != nil {
			s.restarted(*acted.Restarted)
		}
	case what < 18:
		_, _, _ = e.ActOnWorkflow(ctx, flow, endings[r.IntN(2)], user, "test")
	case what < 19:
		_, _ = e.Unblock(ctx, flow, instance.InfoLine("unblocked"))
	default:
		s.compare(e)
	}
}

// start starts a run, and tries again with the same request id when that fails, as clients do.
func (s *simulation) start(ctx context.Context, flow string, n int, r *rand.Rand) {
	for range 4 {
		got, err := s.engine.Load().Start(ctx, engine.StartRequest{WorkflowID: flow, Version: "latest", Initiator: manual(), RequestID: requestID(s.seed, n)})
		if err == nil {
			s.restarted(got)
			if r.IntN(4) > 0 {
				return
			}
		}
		time.Sleep(time.Duration(r.IntN(3000)) * time.Millisecond)
	}
}

func (s *simulation) restarted(got engine.Started) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.acks = append(s.acks, got)
}

func (s *simulation) acted(a actAck) {
	a.at = time.Now().UnixMilli()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.acts = append(s.acts, a)
}

func requestID(seed uint64, n int) string {
	return fmt.Sprintf("%08x-0000-4000-8000-%012x", uint32(seed), n)
}

// compare looks whether runs in memory are what their journals say.
func (s *simulation) compare(e *engine.Engine) {
	for _, id := range s.disk.All() {
		e.Inspect(id, func(r *instance.Run) {
			if r.Status == instance.Created {
				return // it has no owner in memory: who ends it writes to the store
			}
			stored, err := e.LoadAny(id)
			if errors.Is(err, faulty.ErrDead) || errors.Is(err, api.Unavailable) {
				return
			}
			if err != nil {
				s.errorf("run %s cannot be loaded: %v", r.Identity(), err)
				return
			}
			if r.Status == instance.RunFailed && stored.Status == instance.FailedCleared {
				return // just marked as seen to, which is written to the store, too
			}
			if got, want := state(r), state(stored); !bytes.Equal(got, want) {
				s.errorf("events-equal-state: run %s in memory:\n%s\nin the store:\n%s", r.Identity(), got, want)
			}
		})
	}
}

// state is everything that can be known of a run from outside of package instance.
func state(r *instance.Run) []byte {
	data, err := json.MarshalIndent(struct {
		Status, Own              instance.RunStatus
		Started, Ended, Modified int64
		Ending                   instance.Action
		By, For                  string
		Lines                    []instance.Line
		Steps                    []instance.Step
	}{r.Status, r.Own, r.Started, r.Ended, r.Modified, r.Ending, r.EndedBy, r.EndedFor, r.Lines, r.Steps}, "", " ")
	if err != nil {
		panic(err)
	}
	return data
}

// durable checks save-then-act: when a runtime is told something, the store has the reason.
func (s *simulation) durable(a *step.Attempt, what string, told func(records []instance.Record, step int, a *step.Attempt) bool) {
	if err := reason(s.disk, s.book, a, told); err != nil {
		s.errorf("save-then-act: %s was %s, and %v", a.UUID, what, err)
	}
}

// reason looks for the record that tells why a runtime is called.
func reason(s store.Runs, b engine.Catalog, a *step.Attempt, told func(records []instance.Record, step int, a *step.Attempt) bool) error {
	ctx := context.Background()
	d, err := b.Resolve(ctx, a.WorkflowID, "latest")
	if err != nil {
		return err
	}
	uuid, _ := uuid.Parse(a.RunUUID)
	row, err := s.FindUUID(ctx, d.Internal, uuid)
	if err != nil {
		return fmt.Errorf("its run: %w", err)
	}
	_, entries, err := s.Load(ctx, row.ID)
	if err != nil {
		return err
	}
	h, err := instance.DecodeHeader(row.Header)
	if err != nil {
		return err
	}
	index := -1
	if h.Start == nil {
		index, _ = d.Plan.Ordinal(a.StepID)
	}
	var all []instance.Record
	for _, e := range entries {
		records, err := instance.DecodeEntry(e.Data)
		if err != nil {
			return err
		}
		all = append(all, records...)
	}
	if !told(all, index, a) {
		return errors.New("the store does not say why")
	}
	return nil
}

// begun looks for the STARTING of the attempt. step -1 is any: the run has a plan of its own.
func begun(records []instance.Record, step int, a *step.Attempt) bool {
	return seen(records, step, a, func(rec *instance.Record) bool {
		return rec.Kind == instance.KindStepStatus && instance.StepStatus(rec.Status) == instance.Starting
	})
}

// ending looks for the order to end the attempt.
func ending(records []instance.Record, step int, a *step.Attempt) bool {
	return seen(records, step, a, func(rec *instance.Record) bool { return rec.Kind == instance.KindStepEnding })
}

func seen(records []instance.Record, step int, a *step.Attempt, is func(*instance.Record) bool) bool {
	attempt := make(map[int]int64)
	for i := range records {
		rec := &records[i]
		if rec.Kind == instance.KindStepCreated {
			attempt[rec.Step] = rec.Attempt
		}
		if (step < 0 || rec.Step == step) && attempt[rec.Step] == a.Number && is(rec) {
			return true
		}
	}
	return false
}

// settle lets everything come to its end, without further faults.
func (s *simulation) settle() {
	s.calm.Store(true)
	if s.r.IntN(2) == 0 {
		s.close(s.r.IntN(2) == 0)
		s.open()
	}
	defer s.close(false)
	ctx := context.Background()
	for range 24 * 60 {
		time.Sleep(time.Minute)
		live := 0
		for _, id := range s.disk.All() {
			row, _, err := s.disk.Load(ctx, id)
			if err != nil {
				s.t.Fatal(err)
			}
			if !instance.RunStatus(row.Status).Terminal() {
				live++
			}
		}
		if live == 0 {
			s.compare(s.engine.Load())
			return
		}
		for _, f := range s.flows { // STRICT_SEQUENTIAL waits for this
			_, _ = s.engine.Load().Unblock(ctx, f, instance.InfoLine("unblocked"))
		}
	}
}

// judge looks at what is left.
func (s *simulation) judge() {
	ctx := context.Background()
	for _, id := range s.disk.All() {
		row, entries, err := s.disk.Load(ctx, id)
		if err != nil {
			s.t.Fatal(err)
		}
		name := fmt.Sprintf("run %d [%d][%d][%d]", id, row.Workflow, row.Instance, row.Run)
		run, problems := checker.Journal(row, entries)
		for _, p := range problems {
			s.errorf("%s: %s", name, p)
		}
		if !run.Status.Terminal() {
			s.errorf("nothing-sleeps-runnable: %s has not ended but is %s", name, describeRun(run))
		}
		s.startedOnce(row, run)
	}
	s.replay()
	for _, a := range s.acks {
		s.kept(a)
	}
	for _, a := range s.acts {
		s.obeyed(a)
	}
}

// describe logs what became of all runs, for people who look for the reason of a failure.
func (s *simulation) describe() {
	for i, f := range s.flows {
		d, _ := s.book.Resolve(context.Background(), f, "")
		s.t.Logf("%s (%d): %s", f, d.Internal, d.Snapshot)
		rows, _ := s.disk.List(context.Background(), store.RunQuery{Workflow: int64(10_000 + i), From: 1})
		for _, row := range rows {
			_, entries, _ := s.disk.Load(context.Background(), row.ID)
			run, _ := checker.Journal(&row, entries)
			s.t.Logf("  [%d][%d] created %s ended %s wake %d: %s", row.Instance, row.Run, clock(row.Created), clock(row.Ended), row.Wake, describeRun(run))
		}
	}
}

func clock(ms int64) string {
	if ms == 0 {
		return "-"
	}
	return time.UnixMilli(ms).UTC().Format("02T15:04:05.000")
}

func describeRun(r *checker.Run) string {
	text := r.Status.String()
	for n, st := range r.Steps {
		text += fmt.Sprintf(" %d:%s/%d", n, st.Status, st.Attempt)
	}
	return text
}

// startedOnce checks at-least-once-start: what was worked on was begun, under the identity of the attempt.
func (s *simulation) startedOnce(row *store.Run, run *checker.Run) {
	r, err := s.engine.Load().LoadAny(row.ID)
	if err != nil {
		s.errorf("run %d cannot be loaded: %v", row.ID, err)
		return
	}
	for n, st := range run.Steps {
		if r.Plan.Nodes[n].Work != instance.Outside {
			continue
		}
		for i, status := range st.Attempts {
			if (status == instance.Succeeded || status == instance.UserFailed) && s.world.Starts(r.AttemptUUID(n, int64(i)+1)) == 0 {
				s.errorf("at-least-once-start: attempt %d of step %s of run %s is %s and was never begun", i+1, r.Plan.Nodes[n].ID, r.Identity(), status)
			}
		}
	}
}

// kept checks acked-is-durable for a start.
func (s *simulation) kept(a engine.Started) {
	internal, err := s.book.Internal(context.Background(), a.WorkflowID)
	if err != nil {
		s.t.Fatal(err)
	}
	uuid, _ := uuid.Parse(a.UUID)
	row, err := s.disk.FindUUID(context.Background(), internal, uuid)
	switch {
	case err != nil:
		s.errorf("acked-is-durable: start %s of %s was acknowledged: %v", a.UUID, a.WorkflowID, err)
	case a.Status != "DUPLICATED" && (row.Instance != a.Instance || row.Run != a.Run):
		s.errorf("acked-is-durable: start %s was acknowledged as [%d][%d] and is [%d][%d]", a.UUID, a.Instance, a.Run, row.Instance, row.Run)
	}
}

// obeyed checks acked-is-durable for an action.
func (s *simulation) obeyed(a actAck) {
	ctx := context.Background()
	internal, err := s.book.Internal(ctx, a.workflow)
	if err != nil {
		s.t.Fatal(err)
	}
	row, err := s.disk.Find(ctx, internal, a.instance, a.run)
	if err != nil {
		s.errorf("acked-is-durable: action on [%d][%d]: %v", a.instance, a.run, err)
		return
	}
	_, entries, err := s.disk.Load(ctx, row.ID)
	if err != nil {
		s.t.Fatal(err)
	}
	run, _ := checker.Journal(row, entries)
	if run.Ended != 0 && run.Ended <= a.at {
		return
	}
	if a.completed {
		s.errorf("acked-is-durable: %s of run %d was said to be completed at %d, and the run ended at %d", a.action, row.ID, a.at, run.Ended)
		return
	}
	if a.step == "" {
		if len(run.Acts) == 0 {
			s.errorf("acked-is-durable: %s of run %d by %s left no trace", a.action, row.ID, a.user)
		}
		return
	}
	if a.action == instance.Skip && run.Restarts > 0 { // of a step that had ended: a restart which skips it
		return
	}
	for _, l := range run.Lines {
		if l.Step >= 0 && bytes.Contains([]byte(l.Message), []byte("["+a.user+"]")) {
			return
		}
	}
	s.errorf("acked-is-durable: %s of step %s of run %d by %s left no trace", a.action, a.step, row.ID, a.user)
}
