// COneDNN
