// Package ring holds the tests that keep the packages of this module in their rings: what may import what, and why.
package ring
