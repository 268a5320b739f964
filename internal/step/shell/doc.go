// Package shell runs steps of type Shell: a script or a program on the machine of the server (spec/runtimes 12.1).
//
// Each attempt has a directory of its own, named by a hash of its identity. The process is not a child of the
// server but of a supervisor: a small process in a session of its own, made by running the server's executable again
// ([Supervise]). It captures output, ends the process on request and leaves the result in the directory. So the work
// outlives a server that stops, crashes or is killed, and any later server with the same directory finds it again:
//
//	lock         flock, held by the supervisor (and for a moment by a server that launches it or looks at the ruins)
//	alive        fifo whose write end the supervisor holds: whoever reads it learns of news and of the end
//	control      fifo that the supervisor reads: any byte asks it to stop the process
//	stop         the attempt was stopped; nothing may begin any more
//	begun        made once, and made durable, just before the process begins: from here on it never begins again
//	process      which process it is
//	ending       how it ended; written whole or not at all, never changed
//	stdout.N     what it wrote from byte N on, stderr.N likewise; old files are removed to keep within the limit
//	attempt      which attempt it belongs to
//	output       MAESTRO_OUTPUT_FILE
//	work         the working directory, unless the step names another
//
// Exactly one of these holds, and whoever has the lock can tell which: nothing has begun (no "begun"), it is under way
// (the lock is taken), it has ended ("ending"), it was lost ("begun" without "ending", and the lock is free). All that
// the server keeps in memory is who waits for whom.
//
// A step runs with the rights of the server. Whoever may write workflow definitions may therefore do what the server
// may do; the list of interpreters in [Config] keeps honest people on known paths and is no sandbox. A service manager
// must be told to leave processes alone when it restarts the server (systemd: KillMode=process).
package shell
