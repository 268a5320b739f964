package instance

// DecodeLine reads a timeline line as KindRunLine and KindStepLine records hold it. at is the time of the record.
func DecodeLine(data []byte, at int64) Line { return decodeLine(data, at) }
