// CIPSecMB
