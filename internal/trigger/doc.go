// Package trigger starts workflows when something has happened elsewhere: signals were announced (spec/signals-triggers 5).
//
// Signals keeps what is subscribed to what. An announcement goes through three transactions, so that none of them is lost
// or done twice, whenever the process dies:
//
//  1. The instance is written together with a note that triggers have not seen it (board.KindNews).
//  2. The matcher takes the note away, and where a trigger is complete it moves the trigger's checkpoints and leaves an
//     execution, all in one transaction.
//  3. A worker evaluates the trigger and starts the run, whose transaction takes the execution away.
//
// The package declares the interfaces of what it needs of the engine, and knows nothing of how runs are kept.
package trigger
