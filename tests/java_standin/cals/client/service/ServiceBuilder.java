package ROOT.client.service;

import ROOT.domain.core.datasource.DataLocationPreferences;

public final class ServiceBuilder {
    private ServiceBuilder() {}

    public static ServiceBuilder getInstance(
            String application, String client, DataLocationPreferences location) {
        if (application == null || client == null || location == null) {
            throw new IllegalArgumentException("The application, the client and the location");
        }
        return new ServiceBuilder();
    }

    public MetaDataService createMetaService() {
        return new MetaDataService();
    }

    public TimeseriesDataService createTimeseriesService() {
        return new TimeseriesDataService();
    }

    public LHCFillDataService createLHCFillService() {
        return new LHCFillDataService();
    }

    public QuerySnapshotDataService createQuerySnapshotDataService() {
        return new QuerySnapshotDataService();
    }
}
