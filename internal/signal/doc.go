// Package signal is what a signal is (spec/signals-triggers 1, 2): its instances and their params, the conditions under
// which one matches, and an index that finds among many conditions those that an instance meets.
//
// It is pure data and functions. Who announces signals and who waits for them meet in package board.
package signal
