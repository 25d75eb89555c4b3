package ROOT.domain.core.datasource;

public enum DataLocationPreferences { MDB_PRO, LDB_PRO, MDB_AND_LDB_PRO }
